"""Who should win where here and there differ, and what can be done about it, as sentences."""

from functools import cached_property

from connectors import strangers
from meshline.people.models import User
from meshline.policy.called import Called
from meshline.policy.truth import How
from proposals import authority
from proposals.authority import Authorities
from reconciliation import taking
from reconciliation.kinds import KINDS, As
from reconciliation.models import Divergence, Sort

# What carries ours over there, by the kind of record.
CARRIES = {"deals": "deal.upsert"}
NOBODY = "Nobody says"


class Judge:
    """The authority table, read once for a page; so are the people, where an owner differs."""

    def __init__(self) -> None:
        self.table: Authorities = authority.load()

    @property
    def called(self) -> Called:
        return self.table.called

    @cached_property
    def people(self) -> dict[str, User]:
        """Everybody by the e-mail, as two of them are compared."""
        return {person.email.strip().lower(): person for person in User.objects.order_by("pk")}

    def winner(self, one: Divergence) -> str:
        """The connection whose value should win; empty where nobody says."""
        agreed = self._agreed(one)
        if one.proposal is not None and taking.is_stage(one):
            return taking.closer(self.table, one.proposal)
        if not agreed or one.proposal is None:
            return ""
        known = self.table.truths(source=one.proposal.source).get(agreed)
        return known.connection if known and known.how.has_authority else ""

    def badge(self, one: Divergence) -> str:
        """Who should win, in words."""
        if winner := self.winner(one):
            return f"{self.called[winner]} wins"
        return NOBODY

    def asks(self, one: Divergence) -> bool:
        """Whether a person decides where systems differ."""
        agreed = self.table.agreed.get(self._agreed(one))
        return agreed is not None and agreed.how is How.ASK

    def no_ours(self, one: Divergence) -> str:
        """Why ours cannot be written there; empty when it can."""
        there = one.connection.name
        if one.kind not in CARRIES:
            return f"Nothing is written to the {one.kind} of {there} from here; change it there."
        if one.sort == Sort.DUPLICATE:
            return f"{there} has several of it; merge them there."
        if one.proposal is None:
            return "There is nothing of ours to write."
        if one.field == "proposal":
            return f"Write our key back into the deal in {there}; written from here it is another."
        if self.winner(one) == one.connection.slug:
            return f"{there}'s value counts here, so ours is not written over it."
        return ""

    def no_theirs(self, one: Divergence) -> str:
        """Why theirs cannot be taken here; empty when it can."""
        there, field = one.connection.name, KINDS[one.kind].field(one.field)
        if one.sort == Sort.MISSING_HERE:
            if one.kind == "documents":
                return ""
            return f"It names no proposal that is here; correct that in {there}."
        if one.sort in (Sort.MISSING_THERE, Sort.DUPLICATE) or field is None:
            return "There is no value over there that could be taken."
        if one.kind == "invoices":
            return f"What {there} bills comes in by itself: look through {there} once more."
        if taking.is_stage(one):
            return self._not_its_word(one) or taking.no_stage(one)
        if field.how is As.STATE and one.kind != "documents":
            return f"{there} does not say in which state a proposal is."
        return self._not_its_word(one) or _not_a_value(one) or self._no_owner(one)

    def unsure_of_ours(self, one: Divergence) -> str:
        """What speaks against writing ours there, although it may be tried: only asking them once
        more tells whether it is still so. Empty when nothing does."""
        if one.proposal is None or not taking.is_owner(one):
            return ""
        if not strangers.is_one(one.connection.slug, one.proposal.owner.email):
            return ""
        there = one.connection.name
        return f"{there} had no user with this e-mail when it was last asked: add them there first."

    def no_edit(self, one: Divergence) -> str:
        """Why nobody may say another value here; empty when one may."""
        field = KINDS[one.kind].field(one.field)
        if one.proposal is None or field is None or field.how is As.STATE or not field.agreed:
            return "There is no value here that could be edited."
        if taking.is_owner(one):
            return "Give the proposal to somebody on its page."
        if winner := self.winner(one):
            return f"{self.called[winner]}'s value counts; correct it there."
        return ""

    def _not_its_word(self, one: Divergence) -> str:
        winner = self.winner(one)
        if winner and winner != one.connection.slug:
            return f"{self.called[winner]}'s value counts, not {one.connection.name}'s."
        return ""

    def _no_owner(self, one: Divergence) -> str:
        if not taking.is_owner(one):
            return ""
        return taking.no_owner(one, self.people.get(one.theirs.strip().lower()))

    def _agreed(self, one: Divergence) -> str:
        field = KINDS[one.kind].field(one.field)
        return field.agreed if field else ""


def _not_a_value(one: Divergence) -> str:
    if one.cause in ("theirs is no longer text", "theirs is no amount"):
        return "What is over there is no such value; correct it there."
    if not one.theirs:
        return "Theirs is blank, and a blank takes nothing's place."
    return ""
