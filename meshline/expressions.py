"""Expressions over known fields, in the Common Expression Language: read with care, then asked.

Pure. What is read here is a plain yes or no: it loops over nothing, calls nothing that runs for
long, and has no part of a field. Numbers are doubles there.
"""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import cel

LONGEST = 1000
DEEPEST = 20
# What one may call: macros would loop, `matches` would run people's regexes.
_FUNCTIONS = frozenset(
    {"startsWith", "endsWith", "contains", "size", "double", "int", "string", "timestamp",
     "duration", "@in", "!_", "-_", "_?_:_", "_&&_", "_||_", "_==_", "_!=_", "_<_", "_<=_", "_>_",
     "_>=_", "_+_", "_-_", "_*_", "_/_", "_%_"}
)  # fmt: skip
_TEXTS = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
# A fact is one value and has no parts; what looks like one is an attribute of something else.
_PART = re.compile(r"\.\s*([A-Za-z_]\w*)\b(?!\s*\()")
_WRONG = re.compile(r"<input>:1:(?P<at>\d+): Syntax error: (?P<what>.{1,80}?)(?: expecting|\n|$)")
_QUOTED = re.compile(r"'(.+?)'(?:\s|$)")
_NOT_FOR_THESE = "Undefined variable or function"
_MACRO = re.compile(r"\b(all|exists|exists_one|filter|has|map)\s*\(")


class ExpressionError(Exception):
    """An expression that cannot be, in a sentence that says what would be right."""


class Unanswered(Exception):
    """An expression that comes to nothing with these values: because of their kinds, or not."""

    def __init__(self, *, is_of_kinds: bool) -> None:
        super().__init__()
        self.is_of_kinds = is_of_kinds


def read(source: Any, *, known: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The expression, trimmed, and the known fields it names. Raises ExpressionError."""
    if not isinstance(source, str) or not source.strip():
        raise ExpressionError("Write an expression, such as amount >= 50000.0.")
    _check_text(source)
    names = _references(source.strip())
    if unknown := sorted(set(names["functions"]) - _FUNCTIONS):
        raise ExpressionError(f"An expression here cannot use “{unknown[0]}”.")
    if unknown := sorted(set(names["variables"]) - set(known)):
        raise ExpressionError(f"There is no field “{unknown[0]}”; choose {', '.join(known)}.")
    return source.strip(), tuple(sorted(names["variables"]))


def answer(source: str, told: Mapping[str, Any]) -> bool | None:
    """Whether a read expression is true of these values: not where one was never told, and None
    where it cannot be worked out."""
    if any(one is None for one in told.values()):
        return False
    try:
        found = value(source, told)
    except Unanswered:
        return None
    return found if isinstance(found, bool) else None


def value(source: str, told: Mapping[str, Any]) -> Any:
    """What a read expression comes to. Raises Unanswered."""
    try:
        return _program(source).execute({name: _double(one) for name, one in told.items()})
    except TypeError as error:
        raise Unanswered(is_of_kinds=True) from error
    except (ArithmeticError, RuntimeError, ValueError) as error:
        # A division by nothing, a number too large, a text that is no moment; or a function that
        # there is not for values of this kind.
        raise Unanswered(is_of_kinds=str(error).startswith(_NOT_FOR_THESE)) from error


def _check_text(source: str) -> None:
    """What it may not be is seen before anything reads it."""
    if len(source) > LONGEST:
        raise ExpressionError(f"At most {LONGEST} characters in an expression.")
    # Spaces of all kinds, and then nothing that no page shows and no database keeps.
    if not "".join(source.split()).isprintable():
        raise ExpressionError("Write an expression in printable characters.")
    bare = _TEXTS.sub("''", source)
    if bare.count("(") + bare.count("[") + bare.count("{") > DEEPEST:
        raise ExpressionError(f"At most {DEEPEST} brackets in an expression.")
    if macro := _MACRO.search(bare):
        raise ExpressionError(_why_not(macro.group(1)))
    if part := _PART.search(bare):
        raise ExpressionError(f"No field has a part “{part.group(1)[:40]}”.")


def _why_not(macro: str) -> str:
    if macro == "has":
        return "“has” cannot be used here; “is filled in” asks that, in a clause of its own."
    return f"“{macro}” loops; an expression here does not."


def _references(source: str) -> Mapping[str, Any]:
    try:
        return _program(source).references()
    except ValueError as error:
        raise ExpressionError(_why_unreadable(str(error))) from None


def _why_unreadable(said: str) -> str:
    """What the reader of expressions says, as far as it helps a person, and what would be right."""
    found = _WRONG.search(said)
    where = f" At character {found['at']} {_what_is_wrong(found['what'])}." if found else ""
    return (
        f"This cannot be read as an expression.{where} Write it such as "
        "amount > 10.0 && currency == 'EUR'; and is &&, or is ||."
    )


def _what_is_wrong(said: str) -> str:
    """The reader's own words, which are a grammar's, in those of whoever wrote the expression."""
    quoted = _QUOTED.search(said)
    token = quoted[1].strip() if quoted else ""
    if said.startswith("missing") and token:
        return f"a “{token}” is missing"
    if token == "<EOF>":
        return "it ends too early"
    return f"“{token}” does not belong" if token else "it cannot go on like that"


@lru_cache(maxsize=1000)
def _program(source: str) -> Any:
    return cel.compile(source)


def _double(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
