"""Words inside a sentence: what begins with a capital where it stands alone, tags, and whether
there is anything to be read."""

import re

# What a template engine or a browser would read; "> 25k" and "a < b" are text, as a name is.
_TAGS = re.compile(r"\{\{|\{%|\{#|<[A-Za-z/!?]")
NO_TAGS = "Tags such as {{ }} or <b> do nothing here; leave them out."


# One letter that is seen, as a regular expression that JavaScript reads alike: neither control
# characters nor any of Unicode's blanks.
SEEN = (
    r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u3000\ufeff]"
)


def says_something(text: str) -> bool:
    """Whether any of it is seen: a text of blanks and marks without width is as good as none."""
    return re.search(SEEN, text) is not None


def has_tags(text: str) -> bool:
    return bool(_TAGS.search(text))


def inside(words: str) -> str:
    """ "Latency tier" as in "the latency tier"; "CRM owner" and "HubSpot's id" stay as they are."""
    first = words.partition(" ")[0]
    if any(letter.isupper() for letter in first[1:]):
        return words
    return words[:1].lower() + words[1:]
