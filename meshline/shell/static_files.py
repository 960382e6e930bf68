"""Collecting static files, only when something changed: it takes seconds, a start should not."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

_FINGERPRINT = ".collected"


def collect() -> bool:
    """Bring STATIC_ROOT up to date; whether there was anything to do."""
    mark = Path(settings.STATIC_ROOT) / _FINGERPRINT
    fingerprint = _fingerprint()
    if mark.exists() and mark.read_text() == fingerprint:
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    # Last, so that a kill halfway through means once more from the start.
    mark.write_text(fingerprint)
    return True


def _fingerprint() -> str:
    """Which files there are, their sizes and times, and what is made of them."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for path in sorted(_sources()):
        facts = path.stat()
        digest.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _sources() -> list[Path]:
    return [
        Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([])
    ]
