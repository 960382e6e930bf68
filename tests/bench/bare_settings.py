"""The limit's settings: ours, without any middleware."""

from meshline.settings import *  # noqa: F403

MIDDLEWARE: list[str] = []
ROOT_URLCONF = "tests.bench.bare"
WSGI_APPLICATION = "tests.bench.bare.application"
