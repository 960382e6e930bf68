"""The pages are loaded once, and before anybody asks for one."""

import runpy

from django.core import wsgi
from django.urls import clear_url_caches, get_resolver

from meshline import environment
from meshline.shell import web_server


def test_the_pages_are_loaded_before_anybody_asks(monkeypatch):
    monkeypatch.setattr(wsgi, "get_wsgi_application", lambda: None)
    clear_url_caches()
    runpy.run_path(str(environment.PROJECT / "meshline" / "wsgi.py"))
    assert get_resolver()._populated


def test_they_are_loaded_before_the_processes_part():
    assert web_server.preload_app
