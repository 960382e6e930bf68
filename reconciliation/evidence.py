"""What fails, before one person's eyes: their team's alone, or masked, if that is their reach."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exceptions.showing import Link, link_to
from meshline import masking
from meshline.money import worded
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from proposals.models import Proposal


@dataclass(frozen=True)
class Row:
    """One failing thing: what it is, with its page, why, and what is at risk by it."""

    link: Link
    why: str
    amount: str


def seen_by(kept: Iterable[Mapping[str, Any]], user: User) -> list[Row]:
    """Kept rows, as far as this person may see the records they concern."""
    rows, reach = list(kept), scope(user, Permission.SEE_CHECKS)
    if reach is Scope.TEAM:
        theirs = _theirs(rows, user)
        rows = [row for row in rows if not row["record"] or row["record"] in theirs]
    return [_row(row, user, is_masked=reach is Scope.MASKED) for row in rows]


def _theirs(kept: list[Mapping[str, Any]], user: User) -> set[str]:
    ids = [row["record"].partition(":")[2] for row in kept if row["record"]]
    seen = Proposal.objects.visible_to(user).filter(pk__in=[pk for pk in ids if pk.isdigit()])
    return {f"proposal:{pk}" for pk in seen.values_list("pk", flat=True)}


def _row(row: Mapping[str, Any], user: User, *, is_masked: bool) -> Row:
    url = row.get("url") or link_to(row["ref"], user).url
    words, why = row["words"] or row["ref"], row["why"]
    amount = "" if row["amount"] is None else worded(Decimal(row["amount"]), row["currency"])
    if is_masked:
        words, why = masking.words(words), masking.words(why)
        amount = masking.MASK if amount else ""
    return Row(Link(words, url), why, amount)
