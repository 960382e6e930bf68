"""Who is there at one moment: people, teams and processes, each asked of the database once."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from django.db.models.functions import Lower

from meshline.people import availability
from meshline.people.models import Team, User
from meshline.people.roll import Roll
from meshline.policy import called, raci
from meshline.policy.called import Called
from meshline.policy.raci import Answerable


class Roster:
    """Looks people up for a whole batch; what was asked once is remembered."""

    def __init__(self, emails: Iterable[str] = (), *, at: datetime) -> None:
        self.at = at
        self._people: dict[str, User | None] = {}
        self._roll: Roll | None = None
        self._teams: dict[str, tuple[Team | None, User | None]] = {}
        self._processes: dict[str, Answerable] = {}
        self._fallback: Answerable | None = None
        self.meet(emails)

    def meet(self, emails: Iterable[str]) -> None:
        """Look all of these up at once."""
        wanted = {email.lower() for email in emails if email} - set(self._people)
        if not wanted:
            return
        rows = User.objects.annotate(known_as=Lower("email"))
        here = rows.filter(known_as__in=wanted).select_related("team")
        found = {user.known_as: user for user in here}
        self._people |= {email: found.get(email) for email in wanted}

    def person(self, email: str) -> User | None:
        """Whoever has this e-mail, also when they no longer work here."""
        self.meet([email])
        return self._people.get(email.lower())

    @cached_property
    def called(self) -> Called:
        """What people call the connections."""
        return called.names()

    def is_present(self, user: User | None) -> bool:
        return user is not None and self.roll.is_present(user)

    def stand_in(self, user: User) -> User | None:
        """Themselves where they are present, else whoever stands in, if anybody does."""
        return self.roll.stand_in_for(user)

    @property
    def roll(self) -> Roll:
        """Who is out."""
        if self._roll is None:
            self._roll = availability.roll_at(self.at)
        return self._roll

    def team(self, slug: str) -> tuple[Team | None, User | None]:
        """The team, and its person for now."""
        if slug not in self._teams:
            team = Team.objects.filter(slug=slug).select_related("lead").first()
            someone = availability.someone_in(team, at=self.at) if team else None
            self._teams[slug] = (team, someone)
        return self._teams[slug]

    def responsible(self, process: str) -> Answerable:
        if process not in self._processes:
            self._processes[process] = raci.responsible_for(
                process, at=self.at, takes=raci.PROPOSALS
            )
        return self._processes[process]

    @property
    def fallback(self) -> Answerable:
        if self._fallback is None:
            self._fallback = raci.fallback(at=self.at, takes=raci.PROPOSALS)
        return self._fallback
