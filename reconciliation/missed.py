"""The ticket of a day's reconciliation that was missed, until it is caught up."""

from datetime import datetime

from exceptions import troubles
from meshline.audit.actors import part
from reconciliation.models import Run

KIND = "reconciliation-missed"
CLOCK = part("reconciliation", "Reconciliation")


def tell(run: Run, *, due: datetime, last: Run | None, at: datetime) -> None:
    """One ticket for a kind of record, however many days were missed."""
    there = run.connection
    days = (run.day - last.day).days - 1 if last and last.day and run.day else 0
    before = f" So were the {days} days before." if days > 1 else ""
    before = " So was the day before." if days == 1 else before
    troubles.open_ticket(
        troubles.Trouble(
            kind=KIND,
            cause=f"{KIND}:{there.slug}:{run.kind}",
            failure=KIND,
            title=f"The reconciliation with {there.name} was missed",
            reason=f"It was due on {run.day} and was not begun in time: the clock was down."
            f"{before} It is caught up now, once.",
            subject=_subject(run),
            evidence={
                "was due": due.isoformat(),
                "begun": at.isoformat(),
                "last before": str(last.day) if last else "never",
                "page": f"/reconciliation/runs/{run.pk}/",
            },
            connection=there.slug,
        ),
        by=CLOCK,
        at=at,
    )


def settle(run: Run, *, at: datetime) -> None:
    """A run of its kind was done."""
    because = f"{run.connection.name} was compared to the end."
    troubles.settle(subject=_subject(run), because=because, by=CLOCK, at=at, kinds={KIND})


def _subject(run: Run) -> str:
    return f"{run.connection.slug}:reconciliation:{run.kind}"
