"""Why automation may stop for a record: the kinds of hold. Pure."""

from enum import StrEnum


class HoldKind(StrEnum):
    HIGH_VALUE = "high-value"
    PRIVACY = "privacy"
    MERGE = "merge-pending"
    LEGAL = "legal"
    MANUAL = "manual"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def asks(self) -> bool:
        """Whether it puts a decision before people: a ticket that ends when it is lifted."""
        return self in (HoldKind.HIGH_VALUE, HoldKind.PRIVACY, HoldKind.MERGE)

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(kind.value, kind.label) for kind in cls]


_LABELS = {
    HoldKind.HIGH_VALUE: "High value",
    HoldKind.PRIVACY: "Privacy",
    HoldKind.MERGE: "Merge pending",
    HoldKind.LEGAL: "Legal",
    HoldKind.MANUAL: "Set by hand",
}


def label(kind: str) -> str:
    """A kind in words, as it is kept on a record."""
    return HoldKind(kind).label if kind in set(HoldKind) else kind
