"""What must be so at any instant: each floor states its own, the shell asks them all at once.

A floor offers `invariants.INVARIANTS`. Times are compared with the moment the look began (SQL's
`now()`), never with the wall clock: what was read then must be judged by then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

# Beyond this many breaches of one invariant nobody reads on.
MOST = 50
# A lease that lapsed longer ago than this should long have been taken up, in seconds.
LEASE_GRACE = 15


@dataclass(frozen=True)
class Invariant:
    """One sentence that holds, and the look that finds what breaks it: a sentence each, with ids.

    `whole` looks at everything; `briefly`, where there is one, only at what is new.
    """

    name: str
    says: str
    whole: Callable[[], list[str]]
    briefly: Callable[[], list[str]] | None = None


def breaches(statement: str, tell: Callable[..., str], **values: Any) -> list[str]:
    """A sentence for each row the statement finds: `tell` is called with the row's columns."""
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} LIMIT {MOST + 1}", values)
        found = [tell(*row) for row in cursor.fetchall()]
    if len(found) > MOST:
        found[MOST:] = [f"And more: only the first {MOST} are named."]
    return found
