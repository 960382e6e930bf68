"""How much: the short form is part of `make test`, the long form is `make faults`."""

from dataclasses import dataclass

from tests.forms import IS_LONG


@dataclass(frozen=True)
class Size:
    """Numbers of one form; times in seconds."""

    name: str
    # While processes are killed at random: how often, how many events, how far apart.
    kills: int
    events: int
    gap: float
    # How long a claim is its worker's alone, and how long one errand may take.
    lease: int
    call: float
    # When a killed worker's work must be with somebody else; the short form only wants it back.
    back_within: float | None
    # How long Redis is gone, and how many events come meanwhile.
    redis_gone: float
    redis_events: int
    # How long a clock, or a transaction, may be silent before the database ends it.
    silent: int
    # How long to wait for everything to be done.
    patience: float

    @property
    def is_long(self) -> bool:
        return self.name == "long"


SHORT = Size(
    name="short", kills=15, events=150, gap=0.6, lease=5, call=3.0, back_within=None,
    redis_gone=4.0, redis_events=60, silent=3, patience=120.0,
)  # fmt: skip
LONG = Size(
    name="long", kills=300, events=10_000, gap=8.0, lease=50, call=15.0, back_within=75.0,
    redis_gone=600.0, redis_events=1_000, silent=30, patience=900.0,
)  # fmt: skip
SIZE = LONG if IS_LONG else SHORT
