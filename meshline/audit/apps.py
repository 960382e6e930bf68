from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "meshline.audit"
    label = "audit"
    verbose_name = "Trail"
