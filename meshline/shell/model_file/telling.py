"""A plan in words: + added, ~ changed with before → after, - removed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from meshline.sections import Field
from meshline.shell.model_file.plan import Difference, Mark, Plan

NO_DIFFERENCES = "No differences."
_WORDS = {Mark.ADDED: "added", Mark.CHANGED: "changed", Mark.REMOVED: "removed"}


def lines(plan: Plan) -> Iterator[str]:
    for difference in plan.differences:
        yield f"{difference.mark} {difference.entry.title}"
        for name, (before, after) in difference.changes.items():
            if name in difference.section.identity:
                continue
            yield f"    {name}: {_change(difference, name, before, after)}"
    for note in plan.notes:
        yield f"  {note}"


def summary(plan: Plan) -> str:
    count = Counter(difference.mark for difference in plan.differences)
    counted = [f"{count[mark]} {word}" for mark, word in _WORDS.items() if count[mark]]
    return f"{', '.join(counted)}." if counted else NO_DIFFERENCES


def _change(difference: Difference, name: str, before: Any, after: Any) -> str:
    field = difference.section.fields[name]
    if field.told:
        return field.told(before, after)
    if difference.mark is Mark.ADDED:
        return _words(field, after)
    return f"{_words(field, before)} → {_words(field, after)}"


def _words(field: Field, value: Any) -> str:
    return value if field.hidden else _plain(field.write(value))


def _within(value: Any) -> str:
    """One of several, told apart from its neighbours where it has parts itself."""
    return f"({_plain(value)})" if isinstance(value, dict) else _plain(value)


def _plain(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(_within(part) for part in value)
    if isinstance(value, dict):
        return "; ".join(f"{key} {_plain(part)}" for key, part in value.items())
    return str(value)
