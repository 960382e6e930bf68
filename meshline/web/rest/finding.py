"""Choosing rows by what a parameter names."""

from datetime import UTC, datetime

from django.db.models import Q


def owned_by(named: str) -> Q:
    """Rows whose owner is named by number or e-mail address."""
    return Q(owner=int(named)) if "@" not in named else Q(owner__email__iexact=named)


def of_proposal(record: str, field: str = "proposal") -> Q:
    """Rows of one proposal; a record of another kind has none of them."""
    kind, _, pk = record.partition(":")
    return Q(**{field: int(pk)}) if kind == "proposal" else Q(pk__in=[])


def moment(text: str) -> datetime:
    """A moment as the parameter's pattern lets it in, in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
