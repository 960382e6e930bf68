from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "meshline.notices"
    label = "notices"
    verbose_name = "Notices"
