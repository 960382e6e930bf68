"""The settings of a test run: the servers first, for the project's own settings need them."""

from tests import embedded

embedded.prepare()

from meshline.settings import *  # noqa: E402, F403

# Hashing a password takes a quarter of a second by design; hundreds of sign-ins need not.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Static files by their plain names, found where they lie: nothing is collected before a test.
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")  # noqa: F405

# Letters are kept in memory (by pytest-django); whether any leave is the question of few tests.
EMAIL_GOES_OUT = True

# Each test has connections of its own, under the same names, in this one process.
REMEMBER_DOORS = False
