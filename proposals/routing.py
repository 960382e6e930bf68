"""Who owns a proposal, and why it is them. There is always exactly one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from meshline.people import availability
from meshline.people.models import User
from meshline.people.roll import Roll
from meshline.policy import raci


@dataclass(frozen=True)
class Assignment:
    """An owner with the reason; `drift` says what is wrong while they are only temporary."""

    owner: User
    why: str
    drift: str = ""

    @property
    def is_temporary(self) -> bool:
        return bool(self.drift)


class Router:
    """Assigns owners for one batch, asking the database once for all the e-mails in it."""

    def __init__(self, emails: Iterable[str], *, at: datetime) -> None:
        wanted = {email.lower() for email in emails if email}
        people = User.objects.filter(email__in=wanted).select_related("team") if wanted else []
        self._people = {user.email: user for user in people}
        self._fallback: raci.Answerable | None = None
        self._roll: Roll | None = None
        self._at = at

    def assign(self, named: str, *, source: str) -> Assignment:
        """The owner `source` names by e-mail, or the fallback owner for the time being."""
        user = self._people.get(named.lower())
        if user and user.is_active:
            return Assignment(user, f"{source} names {user.name} ({user.email}) as owner.")
        return Assignment(self.fallback.user, self.fallback.why, _drift(named, user, source))

    @property
    def roll(self) -> Roll:
        """Who is out at the moment of this batch."""
        if self._roll is None:
            self._roll = availability.roll_at(self._at)
        return self._roll

    @property
    def fallback(self) -> raci.Answerable:
        if self._fallback is None:
            self._fallback = raci.fallback(at=self._at)
        return self._fallback


def _drift(named: str, user: User | None, source: str) -> str:
    if not named:
        return f"{source} names no owner."
    if user is None:
        return f"{source} names {named} as owner, but nobody here has that e-mail."
    return f"{source} names {user.name} as owner, but they no longer work here."
