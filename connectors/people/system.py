"""Meshline itself as a system: it tells its own people."""

from connectors.base import Delivery, Idempotency, System
from connectors.people import deliver

SYSTEM = System(
    slug="meshline",
    name="Meshline",
    role="meshline",
    deliveries=(
        Delivery(
            "notice.tell", "tell the owner", Idempotency.NATIVE_KEY,
            deliver.notice, deliver.read_notice,
        ),
    ),
)  # fmt: skip
