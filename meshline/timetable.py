"""What the clock does and how often, and which job answers which bell.

Everything to be called is named by its dotted path: this module is read while Django still loads
the apps, when no model can be imported yet.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sweep:
    """Every `every` seconds ask `due` (dotted path, () -> bool); when True, push the bell."""

    bell: str
    every: float
    due: str


@dataclass(frozen=True)
class Task:
    """A verb (`run`: dotted path, () -> None) the clock itself does every `every` seconds.

    It is short, or it is done `aside`, in a thread of its own. First it is due `first_after`
    seconds after the clock took up its work.
    """

    name: str
    every: float
    run: str
    first_after: float = 0.0
    aside: bool = False


# Bell name -> the job that answers (dotted path) and its queue.
BELLS: dict[str, tuple[str, str]] = {
    "inbox": ("connectors.jobs.drain_inbox", "inbox"),
    "outbox": ("connectors.jobs.drain_outbox", "outbox"),
    "notices": ("connectors.jobs.post_notices", "outbox"),
}
# Lost bells and lapsed leases are found within a few seconds.
SWEEPS: list[Sweep] = [
    Sweep("inbox", 2, "connectors.digest.something_is_due"),
    Sweep("outbox", 2, "connectors.draining.something_is_due"),
    Sweep("notices", 5, "connectors.posting.something_is_due"),
]
TASKS: list[Task] = [
    Task("tickets for late outcomes", 5, "connectors.jobs.open_late_tickets"),
    # Absences begin and end by their own columns; no work waits for that, not even for Redis.
    Task("handing over tickets", 5, "exceptions.jobs.hand_over"),
    Task("handing over proposals", 5, "proposals.jobs.hand_over"),
    Task("gates that nobody answered", 15, "proposals.jobs.open_overdue_approvals"),
    Task("freeing lapsed leases", 5, "connectors.jobs.free_lapsed"),
    Task("what people are told", 10, "connectors.jobs.tell_tidings"),
    Task("daily digests", 60, "reconciliation.jobs.send_digests", first_after=30),
    Task("words of messages", 10, "connectors.jobs.index_messages"),
    Task("tidying refused posts", 3600, "connectors.jobs.tidy_rejected"),
    # Not at once: what lay about while nothing ran is taken up first.
    Task("invariants", 3600, "meshline.shell.invariants.hourly", first_after=120, aside=True),
    Task(
        "the whole trail", 86_400, "meshline.shell.invariants.daily", first_after=1800, aside=True
    ),
    Task("anchoring the trail", 3600, "meshline.audit.jobs.anchor"),
    Task("anchors that were missed", 60, "meshline.audit.jobs.anchor_if_missed"),
]
