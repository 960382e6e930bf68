from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "meshline.web"
    label = "web"
    verbose_name = "Web"
