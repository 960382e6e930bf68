"""The map and the lints before one person's eyes: links only to what they may open."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, resolve, reverse

from meshline.people.models import User
from meshline.people.permissions import refusal_for
from reconciliation import drawing
from reconciliation.drawing import Picture, Row, Said
from reconciliation.lints.lint import Grade, Lint
from reconciliation.workflow_map import Effect, Part, Path, Place

_TONES = {Grade.ERROR: "danger", Grade.WARNING: "warn", Grade.NOTE: "neutral"}
_WORDS = {Grade.ERROR: "Gap", Grade.WARNING: "Warning", Grade.NOTE: "Note"}
# The four boxes that a path begins with, in the order in which things happen.
_HEAD = ("source", "trigger", "routing", "owner")


@dataclass(frozen=True)
class Seen:
    """A lint, and where it is mended if this person may go there."""

    lint: Lint
    url: str

    @property
    def tone(self) -> str:
        return _TONES[self.lint.grade]

    @property
    def word(self) -> str:
        return _WORDS[self.lint.grade]


@dataclass(frozen=True)
class SeenPart:
    part: Part
    url: str
    gaps: list[Seen]


@dataclass(frozen=True)
class SeenEffect:
    effect: Effect
    gaps: list[Seen]


@dataclass(frozen=True)
class SeenPath:
    """A path with its parts in the order of its table, its outcomes and its drawing."""

    path: Path
    parts: list[SeenPart]
    effects: list[SeenEffect]
    gaps: list[Seen]
    user: User

    @property
    def picture(self) -> Picture:
        return picture_of(self.path, self.user)

    @property
    def in_words(self) -> str:
        """The drawing for who does not see it."""
        said = [f"{one.part.title}: {one.part.says}." for one in self.parts]
        return " ".join([*said, *(one.effect.says for one in self.effects)])


def lints_for(found: Iterable[Lint], user: User) -> list[Seen]:
    return [Seen(lint, address(lint.fix.url_name, lint.fix.args, user)) for lint in found]


def path_for(path: Path, user: User) -> SeenPath:
    parts = [
        SeenPart(part, first_of(part.places, user), lints_for(part.gaps, user))
        for part in path.parts.values()
    ]
    effects = [SeenEffect(one, lints_for(one.gaps, user)) for one in path.effects]
    return SeenPath(path, parts, effects, lints_for(path.gaps, user), user)


def first_of(places: Iterable[Place], user: User) -> str:
    """The address of the first place that this person may open; empty where there is none."""
    return next(filter(None, (_address_of(one, user) for one in places)), "")


def _address_of(place: Place, user: User) -> str:
    url = address(place.url_name, place.args, user)
    if not url or (place.takes and refusal_for(user, place.takes)):
        return ""
    query, row = place.query and f"?{place.query}", place.row and f"#{place.row}"
    return f"{url}{query}{row}"


def address(name: str, args: tuple[Any, ...], user: User) -> str:
    """A page's address; empty where there is no such page, or not for this person."""
    if not name:
        return ""
    try:
        url = reverse(name, args=args)
    except NoReverseMatch:
        return ""
    permission = getattr(resolve(url).func, "permission", None)
    return "" if permission and refusal_for(user, permission) else url


def picture_of(path: Path, user: User) -> Picture:
    head = [_said(path.parts[name], user) for name in _HEAD]
    failure = path.parts["failure"]
    first = _said(failure, user)
    way = [
        first,
        Said("How soon", failure.more[0] if failure.more else "", url=first.url),
        Said(
            "Who has it", failure.more[1] if len(failure.more) > 1 else "",
            url=first_of(failure.whose, user),
        ),
    ]  # fmt: skip
    return drawing.draw(head, [_row(effect, user) for effect in path.effects], way)


def _said(part: Part, user: User) -> Said:
    look = "gap" if part.is_broken else ""
    return Said(part.title, part.says, look, first_of(part.places, user))


def _row(effect: Effect, user: User) -> Row:
    look = "gap" if effect.is_broken else "off" if effect.is_left_out else ""
    off = "off" if look == "off" else ""
    what = f"{effect.asked.name.replace('-', ' ').capitalize()} in {effect.where}"
    agreed, carried = first_of(effect.agreed_in, user), first_of(effect.carried_in, user)
    return Row(
        gate=Said("Review gate", effect.gate, url=agreed) if effect.gate else None,
        outcome=Said("Outcome", what, look, agreed),
        proof=Said("QA signal", effect.proof, off, carried),
        metric=Said("Metric, 30 days", effect.metric, off, carried),
    )
