"""What a reference such as "proposal:17" names, found by its kind.

A kind is the name of a model. Rooms above are asked by that name and never imported: the trail
stands under everything and speaks of everything.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

# The kinds of canonical record: they have an owner, and say whom they are visible to.
RECORDS = ("proposal", "lead")


@lru_cache
def model_of(kind: str) -> Any:
    """The model a kind names; None when no room here has it."""
    return next((m for m in apps.get_models() if m._meta.model_name == kind), None)


def of_records_seen_by(user: Any, lines: QuerySet) -> QuerySet:
    """Only the lines that belong to a record this person may see."""
    seen = Q(pk__in=[])
    for kind in RECORDS:
        if model := model_of(kind):
            ref = Concat(Value(f"{kind}:"), Cast("pk", CharField()), output_field=CharField())
            refs = model.objects.visible_to(user).order_by().annotate(ref=ref)
            seen |= Q(record__in=refs.values("ref"))
    return lines.filter(seen)


def holds(references: Iterable[str]) -> dict[str, str]:
    """Of these records ("proposal:17") those that are on hold, and why in a word or two."""
    found: dict[str, str] = {}
    for kind in RECORDS:
        pks = {pk for named, _, pk in (one.partition(":") for one in references) if named == kind}
        model = model_of(kind)
        if model and pks:
            rows = model.objects.filter(pk__in=pks).exclude(hold="").values_list("pk", "hold")
            found |= {f"{kind}:{pk}": hold.replace("-", " ") for pk, hold in rows}
    return found


def origins(signal_ids: Iterable[int]) -> dict[int, str]:
    """What brought these signals ("message:812", "person:3:…"), in one query."""
    ids = set(signal_ids)
    signals = model_of("signal")
    return dict(signals.objects.filter(pk__in=ids).values_list("pk", "origin")) if ids else {}
