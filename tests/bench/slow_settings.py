"""Our settings, with one more page that takes a second."""

from meshline.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.slow_urls"
