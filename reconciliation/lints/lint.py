"""What a lint is: a sentence, how grave it is, and where it is mended. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciliation.model_facts import Asked


class Grade(StrEnum):
    """How grave: what does not work now, what will not, what is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Fix:
    """Where it is mended: words, and a URL name with its arguments."""

    label: str
    url_name: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Lint:
    """One thing that is not as it should be; `path` is the trigger it belongs to, `step` its part.

    `about` names the thing within the step, such as an outcome.
    """

    code: str
    grade: Grade
    sentence: str
    fix: Fix
    path: str = ""
    step: str = ""
    about: str = ""


# --- Where things are mended ---------------------------------------------------------------------
CONNECTIONS = Fix("Connections", "connectors:connections")
CONTRACTS = Fix("Contracts", "proposals:contracts")
COMPANY = Fix("The company", "owners:company")
MODEL = Fix("Operating model", "operating-model")
ROUTING = Fix("Routing rules", "proposals:routing")
ROTA = Fix("Rota", "rota:coverage")


# --- How it is said ------------------------------------------------------------------------------
def of_outcome(asked: Asked, code: str, grade: Grade, sentence: str, fix: Fix) -> Lint:
    """A lint of one outcome of a contract."""
    said = sentence[:1].upper() + sentence[1:]
    return Lint(code, grade, said, fix, asked.trigger, "outcomes", f"{asked.contract}/{asked.name}")


def moment(at: datetime) -> str:
    """Such as "Mon 2 Mar, 09:30 CET", in the zone that it comes in."""
    return f"{at:%a} {at.day} {at:%b, %H:%M %Z}".strip()
