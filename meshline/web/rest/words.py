"""What a parameter may be: checked by us, and described in the OpenAPI document by the same data.

Each is put into an annotation: `Annotated[int, Number()]`, `Annotated[str, Words(200)]`. What is
not right is answered with a sentence that says what would be.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from meshline.sentences import SEEN

LARGEST = 2**63 - 1
_DIGITS = re.compile(r"[0-9]{1,19}")
# The whole calendar from 2000 to 2199, leap years too: whoever reads the document alone then knows
# exactly which moments are taken, and what the pattern lets in is always a date.
_LEAP_YEAR = r"2(000|[01](0[48]|[2468][048]|[13579][26]))"
_DAY = (
    r"(2[01][0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)"
    rf"|(0[13578]|1[02])-31)|{_LEAP_YEAR}-02-29)"
)
MOMENT = (
    rf"^{_DAY}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{{1,6}})?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])$"
)


class _Described:
    """Checks a value, and describes in the document what it checks."""

    kind = "string"

    def check(self, value: Any) -> Any:
        raise NotImplementedError

    def described(self) -> dict[str, Any]:
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": self.kind, **self.described()}


@dataclass(frozen=True)
class Number(_Described):
    """A whole number in plain digits; in JSON 3.0 is one, too."""

    least: int = 1
    most: int = LARGEST
    kind = "integer"

    def check(self, value: Any) -> int:
        text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
        number = int(text) if _DIGITS.fullmatch(text) else -1
        if isinstance(value, bool) or not self.least <= number <= self.most:
            raise ValueError(f"must be a whole number from {self.least} to {self.most}")
        return number

    def described(self) -> dict[str, Any]:
        return {"minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Words(_Described):
    """Text of a bounded length; `pattern` as in ECMA 262, `says` what it asks for in words."""

    longest: int
    pattern: str = ""
    says: str = ""
    shortest: int = 0

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text")
        if not self.shortest <= len(value) <= self.longest:
            raise ValueError(f"must have {self._length}; this has {len(value):,}")
        if "\0" in value or (not value.isprintable() and _is_torn(value)):
            raise ValueError("must not hold the NUL character or halves of characters")
        if self.pattern and not _fits(self.pattern, value):
            raise ValueError(self.says)
        return value

    @property
    def _length(self) -> str:
        if self.shortest:
            return f"{self.shortest} to {self.longest:,} characters"
        return f"at most {self.longest:,} characters"

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = {"maxLength": self.longest}
        if self.shortest:
            found["minLength"] = self.shortest
        return {**found, "pattern": self.pattern or "^[^\\u0000]*$"}


@dataclass(frozen=True)
class OneOf(_Described):
    """One of a few words."""

    words: tuple[str, ...]

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise ValueError(f"must be one of: {', '.join(self.words)}")
        return value

    def described(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


def told(longest: int) -> Words:
    """What people are to read: it must hold something that can be read."""
    pattern = rf"^[^\u0000]*{SEEN}[^\u0000]*$"
    return Words(longest, pattern, "must say something", shortest=1)


def _is_torn(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _fits(pattern: str, value: str) -> bool:
    # Python lets "$" stand before a last line end; the document's patterns do not.
    return re.search(pattern.removesuffix("$") + r"\Z", value) is not None


Id = Annotated[int, Number()]
Slug = Annotated[str | None, Words(60, r"^[a-z0-9_-]+$", "must be a slug such as hubspot")]
Record = Annotated[
    str | None,
    Words(
        60, r"^[a-z]{1,40}:[1-9][0-9]{0,17}$", "must be a kind and a number, such as proposal:17"
    ),
]
PERSON = Words(
    254, r"^([1-9][0-9]{0,17}|[^@\u0000-\u0020]+@[^@\u0000-\u0020]+)$",
    "must be a person's number or e-mail address",
)  # fmt: skip
Owner = Annotated[str | None, PERSON]
AT = Words(40, MOMENT, "must be a moment with its offset, such as 2026-03-02T09:30:00Z")
Since = Annotated[str | None, AT]
# What may be left out; what is given is checked all the same.
Text = Annotated[str | None, Words(200)]


def _without_nulls(schema: dict[str, Any]) -> None:
    """What may be left out is left out; a null in an address would be a word."""
    for described in schema.get("properties", {}).values():
        if described.get("default", "") is None:
            del described["default"]
        described.pop("title", None)


class Asked(Schema):
    """The filters of a list; every list also has `limit` and an `after` of its own."""

    model_config = ConfigDict(json_schema_extra=_without_nulls)

    limit: Annotated[int, Number(1, 200)] = 50


class Said(Schema):
    """The body of an act; a word it does not know is refused."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_nulls)
