"""What a replay of a ticket is asked for and tells: from where, by which versions, what becomes of
each thing."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

from connectors.replaying import Effect


class Start(StrEnum):
    """Everything from the message on that led to it, or only what failed."""

    STEP = "step"
    START = "start"

    @property
    def label(self) -> str:
        return "From the start" if self is Start.START else "From the failed step"


class Versions(StrEnum):
    THEN = "then"
    NOW = "now"

    @property
    def label(self) -> str:
        return f"With the versions of {self.value}"


@dataclass(frozen=True)
class Way:
    """How it is replayed."""

    start: Start
    versions: Versions

    def __str__(self) -> str:
        return f"{self.start.label.lower()}, {self.versions.label.lower()}"


class Verdict(StrEnum):
    FIRES = "will fire"
    SUPPRESSED = "suppressed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Line:
    """What becomes of one thing: the verdict and why, what happens by it, by which version, and
    what changed since. `is_done` is whether anything at all is done with it; `goes_on`, that it
    comes a step further though nothing fires. `mark` is the same whenever the same thing happens.
    """

    subject: str
    name: str
    verdict: Verdict
    why: str
    effects: tuple[Effect, ...] = ()
    version: str = ""
    changed: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    is_done: bool = False
    goes_on: bool = False
    mark: str = ""

    @property
    def told(self) -> list[object]:
        """All that whoever looked could go by."""
        effects = sorted(effect.mark for effect in self.effects)
        said = [self.subject, self.verdict, self.why, self.version, self.mark]
        return [*said, self.changed, self.waits, effects]


@dataclass(frozen=True)
class Plan:
    """What becomes of all that hangs on a ticket, in order; what is not replayed at all stands
    beside it, and what comes only after these."""

    way: Way
    lines: list[Line]
    beside: list[str] = field(default_factory=list)
    left: int = 0

    @property
    def fingerprint(self) -> str:
        """Equal for two plans that say the same."""
        told = [one.told for one in self.lines]
        whole = json.dumps([self.way.start, self.way.versions, self.left, told])
        return hashlib.sha256(whole.encode()).hexdigest()[:32]

    @property
    def fires(self) -> bool:
        return any(one.verdict is Verdict.FIRES for one in self.lines)

    @property
    def why_not(self) -> str:
        """Why it is not carried out: nothing would come of it. Empty where something does."""
        if self.fires or any(one.goes_on for one in self.lines):
            return ""
        if not self.lines:
            return "There is nothing to replay."
        return f"Nothing would fire: {self.told}. Each says why."

    @property
    def counts(self) -> dict[Verdict, int]:
        return {each: sum(one.verdict is each for one in self.lines) for each in Verdict}

    @property
    def told(self) -> str:
        told = [f"{number} {each.value}" for each, number in self.counts.items() if number]
        return ", ".join(told) or "nothing"

    def __str__(self) -> str:
        return f"Replayed {self.way}: {self.told}."
