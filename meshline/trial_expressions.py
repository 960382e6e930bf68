"""Expressions that somebody writes now, tried on values of the kinds their fields have. Pure.

What is no yes or no, or asks of a field what its kind cannot answer, is found before it is saved.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import Any

from meshline import expressions
from meshline.expressions import ExpressionError, Unanswered

# Trials of one expression: enough for what people write, and an end to everything else.
MOST_TRIALS = 400
_BY_NOTHING = re.compile(r"[/%]\s*-?0+(\.0*)?(?![\w.])")
_TEXT = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")


def check(source: str, samples: Mapping[str, Sequence[Any]]) -> None:
    """Refuse what is no yes or no of these fields' values. Raises ExpressionError."""
    if not samples:
        raise ExpressionError("This names no field, so that its answer is always the same.")
    if _BY_NOTHING.search(_TEXT.sub("''", source)):
        raise ExpressionError("Nothing can be divided by 0.")
    tried = product(*(_sampled(source, values) for values in samples.values()))
    trials = [dict(zip(samples, values, strict=True)) for values in islice(tried, MOST_TRIALS)]
    # Each of them is tried: one that cannot be asked is found wherever it is.
    answered = [_is_answered(source, trial) for trial in trials]
    if not any(answered):
        raise ExpressionError("This cannot be worked out, whatever its fields say.")


def _sampled(source: str, values: Sequence[Any]) -> list[Any]:
    """These values, and those of their kind that the expression itself speaks of."""
    if isinstance(values[0], str):
        return [*values, *(one or other for one, other in _TEXT.findall(source))]
    if isinstance(values[0], float):
        return [*values, *map(float, _NUMBER.findall(source))]
    return list(values)


def _is_answered(source: str, trial: Mapping[str, Any]) -> bool:
    """Whether it says yes or no of these; a text may be no number. Raises ExpressionError."""
    try:
        answer = expressions.value(source, trial)
    except Unanswered as error:
        if error.is_of_kinds:
            raise ExpressionError(
                "This asks of a field what its kind cannot answer, such as a text for more than "
                "a number."
            ) from None
        return False
    if not isinstance(answer, bool):
        raise ExpressionError("This is no yes or no; compare it, such as amount > 10.0.")
    return True
