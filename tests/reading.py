"""How tests read a page: as somebody signed in, as its words, and what its forms carry along."""

import html
import re

from django.test import Client


def signed_in(user):
    """A browser of its own in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


def words(answer):
    """What a page says: without its markup, letters for entities, on one line."""
    return words_of(answer.content.decode())


def words_of(markup):
    """The same of a piece of a page. A sign that ends a word stands right behind it."""
    # Tags go before entities are read, so that what was escaped is not taken for a tag.
    bare = html.unescape(re.sub(r"<[^>]+>", " ", markup))
    return re.sub(r" ([,.;:])", r"\1", " ".join(bare.split()))


def hidden(answer, name):
    """The value of a hidden field, as a browser would send it."""
    found = re.search(rf'name="{name}"\s+value="([^"]*)"', answer.content.decode())
    return html.unescape(found.group(1))
