"""The door for web servers: `meshline.wsgi.application`."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")

application = get_wsgi_application()
# The first address that is looked up loads every page there is: now, not while somebody waits.
reverse("home")
