from django.apps import AppConfig


class PolicyConfig(AppConfig):
    name = "meshline.policy"
    label = "policy"
    verbose_name = "Policy"
