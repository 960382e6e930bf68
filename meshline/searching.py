"""What can be gone to or done, as the palette offers it: each floor finds its own.

A floor offers `search.found(text, user)`: a few things each, in the order in which they help most.
"""

from dataclasses import dataclass

FEW = 6


@dataclass(frozen=True)
class Found:
    """One thing found: its words, more about it, its page, and what it would press there."""

    words: str
    url: str
    icon: str
    more: str = ""
    press: str = ""
