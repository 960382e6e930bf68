"""Finding people by their name or e-mail."""

from django.db.models import Q
from django.urls import reverse

from meshline.people.models import User
from meshline.people.permissions import Permission, may
from meshline.searching import FEW, Found


def found(text: str, user: User) -> list[Found]:
    """Those active whose name or e-mail has this in it, as far as this person sees people."""
    if not text or not may(user, Permission.SEE_PEOPLE):
        return []
    named = Q(name__icontains=text) | Q(email__icontains=text)
    people = User.objects.visible_to(user).active().filter(named).order_by("name", "pk")
    return [_found(one) for one in people[:FEW]]


def _found(person: User) -> Found:
    url = reverse("people:person", args=[person.pk])
    return Found(person.name, url, "user", person.get_role_display())
