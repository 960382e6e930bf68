"""Words inside a sentence: what begins with a capital where it stands alone, and tags."""

import re

# What a template engine or a browser would read; "> 25k" and "a < b" are text, as a name is.
_TAGS = re.compile(r"\{\{|\{%|\{#|<[A-Za-z/!?]")
NO_TAGS = "Tags such as {{ }} or <b> do nothing here; leave them out."


def has_tags(text: str) -> bool:
    return bool(_TAGS.search(text))


def inside(words: str) -> str:
    """ "Latency tier" as in "the latency tier"; "CRM owner" and "HubSpot's id" stay as they are."""
    first = words.partition(" ")[0]
    if any(letter.isupper() for letter in first[1:]):
        return words
    return words[:1].lower() + words[1:]
