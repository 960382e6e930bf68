"""Canaries as people see them: how each stands, its legs one by one, and how the last ones went."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from meshline.web import words
from meshline.web.words import Tone
from reconciliation.canary_legs import Leg
from reconciliation.models.canaries import Canary, Probe

# As many as stand beside each other on a narrow screen.
BARS, TALL, LEAST = 30, 40, 4
_TONES: dict[str, Tone] = {
    "green": "ok", "red": "danger", "idle": "neutral", "new": "neutral",
    "passed": "ok", "broken": "danger", "running": "info", "stopped": "neutral",
}  # fmt: skip
_KEYS = {"passed": "Passed", "broken": "Broken, full height", "running": "Under way",
         "stopped": "Stopped"}  # fmt: skip
_ICONS = {"passed": "circle-check", "broken": "alert-triangle", "under way": "refresh",
          "not reached": "circle-dashed"}  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """One leg of a probe: how it stands in a word, and how long it took."""

    leg: Leg
    word: str
    took: str

    @property
    def icon(self) -> str:
        return _ICONS[self.word]

    @property
    def tone(self) -> str:
        return {"passed": "ok", "broken": "danger", "under way": "info"}.get(self.word, "neutral")


@dataclass(frozen=True)
class Shown:
    """One probe, as a line of marks and as a bar."""

    probe: Probe
    marks: list[Mark]
    # How tall its bar is, of TALL for the longest that is shown beside it.
    tall: int = 0

    @property
    def tone(self) -> Tone:
        return _TONES[self.probe.state]

    @property
    def y(self) -> int:
        """Where its bar begins, from above."""
        return TALL - self.tall

    @property
    def took(self) -> str:
        return _took(self.probe)

    @property
    def state_words(self) -> str:
        said = self.probe.get_state_display()
        return f"{said} at {self.probe.leg}" if self.probe.leg else said

    @property
    def words(self) -> str:
        """Such as "Passed in 4 s" or "Broken at carried"."""
        return self.state_words if self.probe.leg else f"{self.state_words} in {self.took}"


@dataclass(frozen=True)
class Standing:
    """A path: how it stands, what is under way or was last, and the last passes."""

    canary: Canary
    last: Shown | None
    bars: list[Shown]
    # How long the longest of them took that passed: as tall as a bar gets.
    longest: str = ""

    @property
    def keys(self) -> list[tuple[Tone, str]]:
        """What the colours of the bars that are there mean."""
        states = dict.fromkeys(one.probe.state for one in self.bars)
        return [(_TONES[state], _KEYS[state]) for state in _KEYS if state in states]

    @property
    def is_first_try(self) -> bool:
        """Whether nothing is known yet, and one is under way that will tell."""
        if self.canary.state != Canary.State.NEW or self.last is None:
            return False
        return self.last.probe.state == Probe.State.RUNNING

    @property
    def tone(self) -> Tone:
        if self.canary.is_on and self.is_first_try:
            return "info"
        return "neutral" if not self.canary.is_on else _TONES[self.canary.state]

    @property
    def word(self) -> str:
        if not self.canary.is_on:
            return "Off"
        if self.is_first_try:
            return "Under way"
        if self.canary.is_red:
            return f"Broken at {self.canary.leg}"
        return self.canary.get_state_display()

    @property
    def proof(self) -> str:
        """What must come of what it tells."""
        ends = "in the CRM" if self.canary.reaches_crm else "here, on its record"
        return f"What it tells is posted, signed as its vendor signs, and must be found {ends}."

    @property
    def rhythm(self) -> str:
        fast, slow = (_minutes(one) for one in (self.canary.fast, self.canary.slow))
        return f"every {fast} in business hours and while it is red, every {slow} otherwise"


def standings(canaries: Iterable[Canary]) -> list[Standing]:
    """Each path, what is broken first."""
    grave = ["red", "new", "idle", "green"]
    found = [standing(one) for one in canaries]
    return sorted(found, key=lambda one: grave.index(one.canary.state))


def standing(canary: Canary) -> Standing:
    newest = list(canary.probes.order_by("-pk")[:BARS])
    # What is broken took as long as it was waited for: beside that every pass would be flat.
    passed = [_span(one) for one in newest if one.state == Probe.State.PASSED]
    longest = max(passed, default=timedelta(0))
    shown = [Shown(one, marks(one), _height(one, longest)) for one in newest]
    return Standing(canary, shown[0] if shown else None, shown[::-1], _seconds(longest))


def history(probes: Iterable[Probe]) -> list[Shown]:
    return [Shown(one, marks(one)) for one in probes]


def marks(probe: Probe) -> list[Mark]:
    """Its legs in their order."""
    return [Mark(leg, _word(probe, leg), _leg_took(probe, leg)) for leg in probe.legs]


def _word(probe: Probe, leg: Leg) -> str:
    if probe.passed_at(leg):
        return "passed"
    if probe.leg == leg:
        return "broken"
    is_running = probe.state == Probe.State.RUNNING and probe.under_way == leg
    return "under way" if is_running else "not reached"


def _leg_took(probe: Probe, leg: Leg) -> str:
    passed = probe.passed_at(leg)
    return _seconds(passed - probe.begins(leg)) if passed else ""


def _took(probe: Probe) -> str:
    return _seconds(_span(probe))


def _span(probe: Probe) -> timedelta:
    ends: datetime = probe.ended_at or probe.begun_at
    return ends - probe.begun_at


def _height(probe: Probe, longest: timedelta) -> int:
    if probe.state == Probe.State.BROKEN:
        return TALL
    share = min(_span(probe) / longest, 1) if longest else 0
    return max(LEAST, round(TALL * share))


def _seconds(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0)
    return f"{seconds:.1f} s" if seconds < 60 else words.span(span)


def _minutes(number: int) -> str:
    return words.span(timedelta(minutes=number))
