"""The door for web servers: `meshline.wsgi.application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")

application = get_wsgi_application()
