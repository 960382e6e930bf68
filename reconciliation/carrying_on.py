"""What follows from runs and from what people asked for, a few at a time."""

from meshline import instant
from reconciliation import fixing, groups, running


def do_some() -> bool:
    """Carry a run on, hang differences on tickets, begin fixes, note proofs; False when there is
    nothing of it."""
    return bool(
        running.step_next()
        or fixing.carry_on()
        or fixing.note_proofs(at=instant.now())
        or groups.tell_some()
    )


def something_is_due() -> bool:
    return running.something_is_due() or groups.something_is_due() or fixing.something_is_due()
