from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "meshline.people"
    label = "people"
    verbose_name = "People"
