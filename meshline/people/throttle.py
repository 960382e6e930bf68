"""Guessing passwords is slow here: a few wrong ones, and there is a wait."""

import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings

from meshline.people.models import SignInFailure

TRIES = 5
WITHIN = timedelta(minutes=5)


def refusal(email: str, address: str, *, at: datetime) -> str:
    """Why nobody is let in under this e-mail from this address now; empty: they may try."""
    recent = SignInFailure.objects.filter(key=_key(email, address), at__gt=at - WITHIN)
    times = sorted(recent.values_list("at", flat=True))
    if len(times) < TRIES:
        return ""
    left = (times[-TRIES] + WITHIN - at).total_seconds()
    minutes = max(1, round(left / 60))
    return f"Too many wrong passwords. Try again in {minutes} min, or ask an admin for a new link."


def note_failure(email: str, address: str, *, at: datetime) -> None:
    """Count one wrong password; what is older than the window goes."""
    SignInFailure.objects.filter(at__lte=at - WITHIN).delete()
    SignInFailure.objects.create(key=_key(email, address), at=at)


def has_just_shut(email: str, address: str, *, at: datetime) -> bool:
    """Whether the last wrong password was the one that was too many."""
    recent = SignInFailure.objects.filter(key=_key(email, address), at__gt=at - WITHIN)
    return recent.count() == TRIES


def forget(email: str, address: str) -> None:
    """They got it right: the count starts anew."""
    SignInFailure.objects.filter(key=_key(email, address)).delete()


def _key(email: str, address: str) -> bytes:
    tried = f"{email.strip().lower()}|{address}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), tried, hashlib.sha256).digest()
