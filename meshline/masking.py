"""What is left to see for whoever sees everything, but neither personal values nor amounts."""

import json
import re
from typing import Any

MASK = "•••"
_EMAIL = re.compile(r"[^\s@<>()“”\"',;:]+@[^\s@<>()“”\"',;:]+")
_AMOUNT = re.compile(r"\b\d[\d,.]*\s[A-Z]{3}\b")


def words(text: str) -> str:
    """A sentence with its e-mail addresses and amounts masked."""
    return _AMOUNT.sub(MASK, _EMAIL.sub(MASK, text))


def words_within(value: Any) -> Any:
    """Data with every sentence in it masked as `words` does, however deep it stands."""
    if isinstance(value, dict):
        return {name: words_within(part) for name, part in value.items()}
    if isinstance(value, list):
        return [words_within(part) for part in value]
    return words(value) if isinstance(value, str) else value


def structure(value: Any) -> Any:
    """Data with its shape kept and every value masked; text that is JSON is data, too."""
    if isinstance(value, dict):
        return {name: structure(part) for name, part in value.items()}
    if isinstance(value, list):
        return [structure(part) for part in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        return _masked_json(value)
    return value if value is None or isinstance(value, bool) else MASK


def _masked_json(text: str) -> Any:
    try:
        return structure(json.loads(text))
    except (ValueError, RecursionError):
        return MASK
