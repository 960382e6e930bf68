"""Where systems tell different values of a field of which a person is to decide: a ticket with all
of them, until they agree, somebody has decided, or it is agreed whose word counts."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from exceptions import troubles
from exceptions.models import Occurrence
from exceptions.states import Status
from meshline.audit.actors import Someone
from meshline.money import worded
from meshline.policy import called
from meshline.policy.called import Called
from meshline.policy.truth import PEOPLE, Said
from proposals.fields import GROUPS, LABELS
from proposals.models import Proposal
from proposals.story import Story

KIND = "field-conflict"
# So many are offered at once; there are as many as systems that tell of the field.
_OFFERED = 10


def raise_and_settle(
    story: Story, *, by: Someone, at: datetime, led_from: str, known: Collection[str] | None = None
) -> None:
    """Open what the systems differ about now; settle what they do not, or not so, any more.

    `known` are the subjects that are open; by themselves those of the story before this batch.
    """
    record = story.proposal.record
    before = _subjects(record, story.before.asked) if known is None else known
    now = _subjects(record, story.told.asked)
    for subject in before:
        if subject not in now:
            because = _because(story, subject.removeprefix(f"{record}:").partition(":")[0])
            troubles.settle(subject=subject, kinds={KIND}, because=because, by=by, at=at)
    for subject, name in now.items():
        if subject not in before or _is_told_again(story, name):
            trouble = _trouble(story, name, subject, led_from)
            troubles.open_ticket(trouble, by=by, at=at)


def open_ones() -> dict[str, set[str]]:
    """What people have to decide, by the record it is about."""
    rows = Occurrence.objects.filter(ticket__kind=KIND, settled_at=None)
    found: dict[str, set[str]] = {}
    for subject in rows.exclude(ticket__status=Status.RESOLVED).values_list("subject", flat=True):
        kind, pk, *_ = subject.split(":")
        found.setdefault(f"{kind}:{pk}", set()).add(subject)
    return found


def asked_of(proposal: Proposal) -> set[str]:
    """The fields of this proposal that people have to decide about."""
    subjects = Occurrence.objects.filter(
        subject__startswith=f"{proposal.record}:", ticket__kind=KIND, settled_at=None
    ).exclude(ticket__status=Status.RESOLVED)
    return {subject.split(":")[2] for subject in subjects.values_list("subject", flat=True)}


def in_words(name: str, value: tuple[str, ...]) -> str:
    """A value of a field as people read it."""
    if name == "amount" and value[0]:
        return worded(Decimal(value[0]), value[1])
    return value[0] or "nothing"


def _subjects(record: str, asked: Mapping[str, tuple[Said, ...]]) -> dict[str, str]:
    """One subject for each field and the very values it is told: other values are another one."""
    return {f"{record}:{name}:{_mark(claims)}": name for name, claims in asked.items()}


def _mark(claims: tuple[Said, ...]) -> str:
    told = repr([(one.source, one.value) for one in claims])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _because(story: Story, name: str) -> str:
    if name in story.told.asked:
        return "The systems tell other values by now."
    if any(incoming.source == PEOPLE for _, incoming in story.fresh):
        return f"{story.fresh[-1][1].by.actor_label} decided."
    return "The systems agree, or it is agreed whose word counts."


def _is_told_again(story: Story, name: str) -> bool:
    return any(part in signal.fields for signal, _ in story.fresh for part in GROUPS[name])


def _trouble(story: Story, name: str, subject: str, led_from: str) -> troubles.Trouble:
    proposal, claims, label = story.proposal, story.told.asked[name], LABELS[name]
    names = called.names()
    sources = " and ".join(names[one.source] for one in claims)
    return troubles.Trouble(
        kind=KIND,
        cause=f"{KIND}:{subject}",
        field_name=name,
        title=f"Two values for the {label} of {proposal}",
        reason=f"{sources} tell different values. None of them was taken; it stays what it was "
        "until a person decides, or they agree.",
        subject=subject,
        evidence=_evidence(proposal, name, claims, story.told.fields, names),
        remedies=[_take(proposal, name, one, names) for one in claims[:_OFFERED]],
        led_from=led_from,
        record=proposal.record,
        record_title=str(proposal),
        connection=proposal.source,
        amount=proposal.amount,
        currency=proposal.currency,
    )


def _evidence(
    proposal: Proposal, name: str, claims: tuple[Said, ...], counts: Mapping[str, Any],
    names: Called,
) -> dict[str, Any]:  # fmt: skip
    stays = tuple(str(counts.get(part, "")) for part in GROUPS[name])
    return {
        "field": LABELS[name],
        **{f"{names[one.source]} says": in_words(name, one.value) for one in claims},
        "it stays": in_words(name, stays),
        "page": reverse("proposals:proposal", args=[proposal.pk]),
    }


def _take(proposal: Proposal, name: str, one: Said, names: Called) -> dict[str, Any]:
    return {
        "label": f"Take {names[one.source]}'s",
        "explains": f"Its {LABELS[name]} counts from then on, until a system tells a new one.",
        "url_name": "proposals:take-value",
        "args": [proposal.pk, name, one.by],
    }
