"""The settings of a test run: the servers first, for the project's own settings need them."""

from tests import embedded

embedded.prepare()

from meshline.settings import *  # noqa: E402, F403

# Hashing a password takes a quarter of a second by design; hundreds of sign-ins need not.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
