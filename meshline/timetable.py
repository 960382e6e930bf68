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
    "bulk": ("exceptions.jobs.drain_bulk", "upkeep"),
    "syncs": ("connectors.jobs.drain_syncs", "upkeep"),
    "runs": ("reconciliation.jobs.drain_runs", "upkeep"),
}
# Lost bells and lapsed leases are found within a few seconds.
SWEEPS: list[Sweep] = [
    Sweep("inbox", 2, "connectors.digest.something_is_due"),
    Sweep("outbox", 2, "connectors.draining.something_is_due"),
    Sweep("notices", 5, "connectors.posting.something_is_due"),
    Sweep("bulk", 5, "exceptions.bulk.something_is_due"),
    Sweep("syncs", 5, "connectors.syncing.something_is_due"),
    Sweep("runs", 5, "reconciliation.carrying_on.something_is_due"),
]
TASKS: list[Task] = [
    Task("tickets for late outcomes", 5, "connectors.jobs.open_late_tickets"),
    # Absences begin and end by their own columns; no work waits for that, not even for Redis.
    Task("handing over tickets", 5, "exceptions.jobs.hand_over"),
    # In this order: what stands still is not warned of.
    Task("stopping tickets' clocks", 5, "connectors.jobs.stop_clocks"),
    Task("escalation", 5, "exceptions.jobs.take_steps"),
    Task("looking again at tickets", 30, "exceptions.jobs.look_again"),
    Task("waking tickets", 5, "exceptions.jobs.wake"),
    Task("handing over proposals", 5, "proposals.jobs.hand_over"),
    Task("follow-ups under another SLA", 15, "proposals.jobs.retime"),
    Task("gates that nobody answered", 15, "proposals.jobs.open_overdue_approvals"),
    Task("freeing lapsed leases", 5, "connectors.jobs.free_lapsed"),
    Task("what people are told", 10, "connectors.jobs.tell_tidings"),
    Task("daily digests", 60, "reconciliation.jobs.send_digests", first_after=30),
    Task("polls that are due", 15, "connectors.jobs.queue_polls"),
    Task("the day's reconciliation", 30, "reconciliation.jobs.queue_runs", first_after=10),
    Task("words of messages", 10, "connectors.jobs.index_messages"),
    Task("tidying refused posts", 3600, "connectors.jobs.tidy_rejected"),
    Task("what keeps coming back", 86_400, "exceptions.jobs.learn", first_after=900, aside=True),
    Task("watching the auditor", 60, "meshline.shell.invariants.watch"),
    # What the dashboards count: by what the trail tells since the last time.
    Task("rollups", 10, "reconciliation.jobs.roll_up", first_after=5, aside=True),
    # Not at once: what lay about while nothing ran is taken up first.
    Task("checks", 15, "reconciliation.jobs.check_what_is_due", first_after=60, aside=True),
    Task(
        "what is signed and not invoiced",
        60,
        "reconciliation.jobs.keep_unbilled",
        first_after=45,
        aside=True,
    ),
    # Posting waits for an answer of our own; everything else of it is a look at rows.
    Task("canaries", 5, "reconciliation.jobs.tend_canaries", first_after=60, aside=True),
    Task("drawing a sample", 3600, "reconciliation.jobs.draw_sample", first_after=600),
    Task("tidying probes", 86_400, "reconciliation.jobs.forget_probes", first_after=1200),
    Task(
        "the Monday checklist", 60, "reconciliation.jobs.keep_mondays", first_after=90, aside=True
    ),
    Task("invariants", 3600, "meshline.shell.invariants.hourly", first_after=120, aside=True),
    Task(
        "the whole trail", 86_400, "meshline.shell.invariants.daily", first_after=1800, aside=True
    ),
    Task("anchoring the trail", 3600, "meshline.audit.jobs.anchor"),
    Task("anchors that were missed", 60, "meshline.audit.jobs.anchor_if_missed"),
]
