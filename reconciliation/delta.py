"""The golden signal of reconciliation: how far here and there are apart now."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.urls import reverse

from meshline.people.models import User
from reconciliation import apart, trend
from reconciliation.models import Divergence, Run

NAME, LABEL = "reconciliation-delta", "Reconciliation delta"
FORMULA = (
    "Differences between here and the other systems that are not gone now, whatever is being done "
    f"about them. Beside it, and by how much money: {apart.FORMULA}"
)


@dataclass(frozen=True)
class Delta:
    """What is apart; `found` are the rows behind `url`. Without `as_of` nothing was compared."""

    found: int
    # Of how many records, here or there, these runs say something.
    whole: int
    apart: int
    money: str
    as_of: datetime | None
    url: str

    @property
    def percent(self) -> Decimal | None:
        return apart.percent(self.apart, self.whole)


def now(user: User) -> Delta:
    """As this person may see it."""
    runs = _latest()
    money: dict[str, int] = {}
    for run in runs:
        for currency, units in run.delta.items():
            money[currency] = money.get(currency, 0) + units
    return Delta(
        found=Divergence.objects.unsettled().visible_to(user).count(),
        whole=sum(run.whole for run in runs),
        apart=sum(run.apart for run in runs),
        money=trend.in_words(money),
        as_of=max((run.finished_at for run in runs if run.finished_at), default=None),
        url=f"{reverse('reconciliation:divergences')}?state=unsettled",
    )


def _latest() -> list[Run]:
    """The last conclusive run of each connection and kind."""
    rows = Run.objects.conclusive().order_by("connection", "kind", "-pk")
    return list(rows.distinct("connection", "kind"))
