"""The urgent first: while they come, what can wait rests between its turns."""

import time

# How long after an urgent one more are expected; how many times its own length a patient turn is
# followed by a rest while they are, at the most so many seconds.
URGENT_SECONDS = 3.0
REST, LONGEST_REST = 4, 0.25


class Turns:
    """Of one drain: whoever comes in an urgent tier finds the processors mostly free.

    Otherwise they would be busy with what is patient and with what follows from it, and everything
    urgent would take twice as long.
    """

    def __init__(self) -> None:
        self._urgent_at = self._rests_until = 0.0

    def saw_urgent(self) -> None:
        self._urgent_at = time.monotonic()

    @property
    def patient_may(self) -> bool:
        """Whether what is patient has its turn now."""
        return time.monotonic() >= self._rests_until

    def patient_took(self, seconds: float) -> None:
        """A turn of the patient is over, after so many seconds."""
        now = time.monotonic()
        if now - self._urgent_at < URGENT_SECONDS:
            self._rests_until = now + min(REST * seconds, LONGEST_REST)
