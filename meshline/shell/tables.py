"""A look at every table for admins, through Django's own admin. Changes go through the verbs."""

from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.db import models
from django.http import HttpRequest, HttpResponse

from meshline.people import permissions
from meshline.people.permissions import Permission
from meshline.web import errors

OURS = ["audit", "people", "policy", "notices", "pulse", "exceptions", "proposals", "connectors"]
# Sealed or hashed: of no use to anybody who looks.
_HIDDEN = {"sealed", "password", "token_hash", "key", "person"}


class LookOnlySite(AdminSite):
    """The admin, without a hand in it."""

    site_header = site_title = "Meshline tables"
    index_title = "Every table, to look at"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        signed_in = request.user.is_authenticated
        return signed_in and permissions.may(request.user, Permission.SEE_TABLES)

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """There is one sign-in, and it is not here: who may not look reads why."""
        reason = permissions.refusal_for(request.user, Permission.SEE_TABLES)
        return errors.denied(request, reason)


class LookOnly(ModelAdmin):
    """Shows a table's rows; adds, changes and removes none."""

    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return permissions.may(request.user, Permission.SEE_TABLES)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_list_display(self, request: HttpRequest) -> list:
        return [f.name for f in self.model._meta.concrete_fields if _is_shown(f)][:8]

    def get_exclude(self, request: HttpRequest, obj: models.Model | None = None) -> list[str]:
        return [f.name for f in self.model._meta.fields if not _is_shown(f)]


def _is_shown(field: models.Field) -> bool:
    is_bytes = isinstance(field, models.BinaryField)
    return not is_bytes and field.name not in _HIDDEN


site = LookOnlySite(name="admin")
for app in OURS:
    site.register(list(apps.get_app_config(app).get_models()), LookOnly)
