"""What follows from runs and from what people asked for, a few at a time."""

from meshline import instant
from reconciliation import groups, running, seeing_through


def do_some() -> bool:
    """Carry a run on, hang differences on tickets, begin fixes, note proofs; False when there is
    nothing of it."""
    return bool(
        running.step_next()
        or seeing_through.carry_on()
        or seeing_through.note_proofs(at=instant.now())
        or groups.tell_some()
    )


def something_is_due() -> bool:
    return any(room.something_is_due() for room in (running, groups, seeing_through))
