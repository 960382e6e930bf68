"""How soon: the two deadlines of a ticket kind and severity."""

from dataclasses import dataclass

from meshline.policy.models import Sla


@dataclass(frozen=True)
class Terms:
    """Business minutes until acknowledged, and until fixed."""

    ack_within: int
    fix_within: int


def terms(kind: str, severity: str) -> Terms:
    """The SLA of this kind, or the default of its severity."""
    row = in_force(kind, severity)
    return Terms(row.ack_within, row.fix_within)


def in_force(kind: str, severity: str) -> Sla:
    """The row that counts for this kind and severity; a severity is never without its default."""
    return Sla.objects.filter(kind__in=[kind, ""], severity=severity).order_by("-kind")[0]
