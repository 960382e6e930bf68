"""One request in, one reply out: what the rooms of the stand-in hand each other."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any


class UnreadableError(ValueError):
    """The body is not the JSON object it should be."""


class MoveError(ValueError):
    """The record cannot do that now; the message is a sentence."""


class FieldError(ValueError):
    """A field cannot be taken; says which and why."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


class MissingError(LookupError):
    """There is no such record; the message is a sentence."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # without the vendor's prefix, decoded
    target: str  # path and query as they came
    query: Mapping[str, list[str]]
    headers: Message  # names in any case
    body: bytes = b""

    def first(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    def all(self, name: str) -> list[str]:
        """Every value of a parameter, repeated or separated by commas."""
        return [part for value in self.query.get(name, []) for part in value.split(",") if part]

    def json(self, *, exact_numbers: bool = True) -> dict[str, Any]:
        """The body as an object; fractions stay the text they were sent as when exact."""
        try:
            text = self.body.decode() or "{}"
            found = json.loads(
                text, parse_float=str if exact_numbers else float, parse_constant=_no_number
            )
            if "\\ud" in text.lower():
                json.dumps(found, ensure_ascii=False).encode()  # half a character is refused
        except (ValueError, RecursionError) as error:
            raise UnreadableError("The body is not JSON.") from error
        if not isinstance(found, dict):
            raise UnreadableError("The body is not a JSON object.")
        return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON.")


@dataclass
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    # More bytes than one likes to hold at once, and how many.
    tail: Iterator[bytes] | None = None
    tail_length: int = 0


def json_answer(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode())


@dataclass
class Reply:
    """What goes on the wire, and how badly."""

    answer: Answer | None  # None: no answer at all
    hold: float = 0.0  # seconds before anything is sent
    reset: bool = False  # end with a TCP reset instead of an orderly close
    bytes_per_second: int | None = None
    worked: int | None = None  # the status of the work that was really done, if any


class RefusalError(Exception):
    """The vendor says no; carries the answer that says so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer
