"""Does everything that waits know until when?"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from proposals.models import FollowUp, Outcome, Proposal
from proposals.models.outcome import WAITING
from proposals.states import State
from reconciliation.checks.check import Check, Finding

# What contracts ask for is promised with the state itself; this long after it must be there.
WITHIN = timedelta(minutes=5)


def look(at: datetime) -> Finding:
    """Proposals that wait for their customer, and those not on hold without a next step."""
    waiting = Proposal.objects.filter(
        state__in=[State.SENT, State.VIEWED], changed_at__lte=at - WITHIN
    )
    under_way = Outcome.objects.filter(proposal=OuterRef("pk"), state__in=WAITING)
    done = FollowUp.objects.filter(proposal=OuterRef("pk"), state="completed")
    failing = waiting.filter(hold="", next_follow_up_at=None)
    failing = failing.exclude(Exists(under_way)).exclude(Exists(done))
    return Finding.of_proposals(
        waiting, failing, lambda one: "Nothing says when somebody follows up."
    )


CHECK = Check(
    "deadline-coverage", "Deadline coverage",
    "Every proposal that waits for its customer has a day on which somebody follows up, or did.",
    "Proposals that are sent or viewed for 5 minutes; failing are those, not on hold, without a "
    "next follow-up, with none that was done and with nothing under way.",
    timedelta(minutes=5), look,
    "See which contract asks for the follow-up of this state, and whether it is in force.",
    grave_from=10,
)  # fmt: skip
