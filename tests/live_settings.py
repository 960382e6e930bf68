"""Our settings for the servers that tests start: static files by their plain names."""

from meshline.settings import *  # noqa: F403

STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
# Tests have connections of their own, one after the other, under the same names.
REMEMBER_DOORS = False
