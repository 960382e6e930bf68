from django.apps import AppConfig


class PulseConfig(AppConfig):
    name = "meshline.pulse"
    label = "pulse"
    verbose_name = "Pulse"
