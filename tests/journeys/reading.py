"""How journeys read a page: as its words, and what its forms carry along."""

import re

from django.test import Client


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def words(answer):
    """What a page says, without its markup."""
    found = " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())
    return re.sub(r" ([,.;])", r"\1", found)


def hidden(answer, name):
    """The value of a hidden field."""
    return re.search(rf'name="{name}"\s+value="([^"]*)"', answer.content.decode()).group(1)
