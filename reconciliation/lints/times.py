"""Rotas with gaps, and SLAs that lie beyond them or against each other."""

from collections.abc import Iterator
from itertools import pairwise

from meshline.policy import spans
from reconciliation.lints.lint import ROTA, Fix, Grade, Lint, moment
from reconciliation.model_facts import Facts

_SEVERITIES = ["critical", "high", "normal", "low"]


def rota_gaps(facts: Facts) -> Iterator[Lint]:
    kept = [rota for rota in facts.rotas if rota.is_kept]
    if facts.rotas and not kept:
        teams = " and ".join(rota.name for rota in facts.rotas)
        sentence = f"No rota is kept for {teams}: tickets go to the lead, or who is there longest."
        yield Lint("rota-none", Grade.NOTE, sentence, ROTA)
    for rota in kept:
        if rota.gaps:
            first, last = rota.gaps[0]
            more = f", and {len(rota.gaps) - 1} more" if len(rota.gaps) > 1 else ""
            sentence = (
                f"Within 7 days nobody of {rota.name} is on call from {moment(first)} to "
                f"{moment(last)}{more}."
            )
            yield Lint("rota-gap", Grade.WARNING, sentence, ROTA)


def on_call_twice(facts: Facts) -> Iterator[Lint]:
    for one in facts.doubles:
        first, second = one.teams
        sentence = (
            f"{one.name} is on call for {first} and {second} at once, from "
            f"{moment(one.starts_at)} to {moment(one.ends_at)}."
        )
        yield Lint("rota-double", Grade.WARNING, sentence, ROTA)


def on_call_without_the_right(facts: Facts) -> Iterator[Lint]:
    for one in facts.unable:
        sentence = f"{one.why}: on call for {one.team}, which has tickets."
        yield Lint("rota-no-work", Grade.ERROR, sentence, ROTA)


def promises_too_long(facts: Facts) -> Iterator[Lint]:
    """An SLA whose deadline lies where nobody is on call any more, or that no calendar reaches."""
    for promise in facts.promises:
        fix = Fix("SLA", "exceptions:change-sla", (promise.pk,))
        whose = f"{promise.severity} {promise.kind or 'tickets'}"
        what = f"The SLA of {whose} ({spans.words(promise.fix)})"
        for hours in facts.calendars:
            if promise.fix > hours.minutes:
                sentence = f"{what} is longer than {hours.name} works in two years."
                yield Lint("sla-too-long", Grade.ERROR, sentence, fix, step="failure",
                           about=str(promise.pk))  # fmt: skip
        for rota in facts.rotas:
            if rota.is_kept and promise.fix > rota.reach and rota.ends_at:
                sentence = (
                    f"{what} reaches beyond the rota of {rota.name}, which ends "
                    f"{moment(rota.ends_at)}, {spans.words(rota.reach)} of working time from now."
                )
                yield Lint("sla-beyond-rota", Grade.WARNING, sentence, fix, step="failure",
                           about=str(promise.pk))  # fmt: skip


def graver_is_slower(facts: Facts) -> Iterator[Lint]:
    for kind in sorted({promise.kind for promise in facts.promises}):
        rows = sorted(
            (one for one in facts.promises if one.kind == kind and one.severity in _SEVERITIES),
            key=lambda one: _SEVERITIES.index(one.severity),
        )
        for graver, milder in pairwise(rows):
            if graver.fix > milder.fix or graver.ack > milder.ack:
                sentence = (
                    f"{graver.severity.capitalize()} {kind or 'tickets'} may take longer "
                    f"({spans.words(graver.ack)} / {spans.words(graver.fix)}) than "
                    f"{milder.severity} ones "
                    f"({spans.words(milder.ack)} / {spans.words(milder.fix)})."
                )
                fix = Fix("SLA", "exceptions:change-sla", (graver.pk,))
                yield Lint("contradiction", Grade.WARNING, sentence, fix, step="failure")
