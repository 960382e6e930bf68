"""What holds of every notice that goes out."""

from meshline.invariants import LEASE_GRACE, Invariant, breaches

_LAPSED = """
SELECT id, extract(epoch FROM now() - lease_until)::bigint FROM notices_sending
WHERE state = 'leased' AND lease_until < now() - %(grace)s * interval '1 second'
ORDER BY id
"""


def lapsed() -> list[str]:
    return breaches(
        _LAPSED,
        lambda pk, seconds: f"The lease on sending {pk} lapsed {seconds} s ago.",
        grace=LEASE_GRACE,
    )


INVARIANTS = [
    Invariant(
        "sending-leases",
        f"No lease on a notice that goes out lapsed more than {LEASE_GRACE} s ago.",
        lapsed,
    )
]
