"""What is promised of each path, as everybody reads it and managers publish it."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exceptions.days import DayField
from meshline import instant
from meshline.people.permissions import Permission, refusal_for
from meshline.policy.operating_model import ModelError, Stale
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from proposals.states import State
from reconciliation import objectives as agreeing
from reconciliation import seeing
from reconciliation.asking import Asked
from reconciliation.models import Baseline, Objective
from reconciliation.numbers.number import How, Number
from reconciliation.numbers.table import PROMISED
from reconciliation.objectives import Promise
from reconciliation.seeing import Cell, Line
from reconciliation.views.boards import shell

_MOST = 2**31 - 1
_LABELS = {state.value: state.label for state in State}


class TargetForm(forms.Form):
    """What is promised: percent, or minutes; nothing withdraws it."""

    path = forms.ChoiceField(choices=State.choices())
    number = forms.ChoiceField(choices=[(one.name, one.label) for one in PROMISED.values()])
    target = forms.FloatField(required=False, min_value=0.01, max_value=1_000_000)
    version = forms.IntegerField(min_value=0, max_value=_MOST)


class BaselineForm(forms.Form):
    first = DayField(label="First day")
    last = DayField(label="Last day")
    version = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)


@require_safe
@requires(Permission.SEE_DASHBOARDS)
def objectives(request: Request) -> HttpResponse:
    """Each path with what is promised, beside how it does."""
    asked = Asked.of(request, request.now or instant.now())
    row = Baseline.objects.first()
    initial = {"first": row.first_on, "last": row.last_on} if row else {}
    context = shell(request, asked, "objectives") | {
        "paths": _paths(asked),
        "numbers": list(PROMISED.values()),
        "refusal": refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL),
        "baseline_row": row,
        "baseline_form": BaselineForm(initial={**initial, "version": row.version if row else 0}),
    }
    return render(request, "reconciliation/objectives.html", context)


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def publish(request: Request) -> HttpResponse:
    form = TargetForm(request.POST)
    if not form.is_valid():
        return refusal(request, "Write a number above nothing, or leave it empty.", status=422)
    asked = form.cleaned_data
    scale = 1 if PROMISED[asked["number"]].how is How.SHARE else 60
    target = asked["target"] * scale if asked["target"] else None
    try:
        kept = agreeing.publish(
            path=asked["path"], number=asked["number"], target=target, version=asked["version"],
            by=request.user, at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        return refusal(request, error)
    except ModelError as error:
        return refusal(request, error, status=422)
    said = "is promised from now on" if kept else "is promised no more"
    label = PROMISED[asked["number"]].label
    sentence = f"{label} of {State(asked['path']).label.lower()} {said}."
    return done(request, sentence, reverse("reconciliation:objectives"))


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def baseline(request: Request) -> HttpResponse:
    form = BaselineForm(request.POST)
    if not form.is_valid():
        return refusal(request, "Write both days, such as 2026-03-02.", status=422)
    asked = form.cleaned_data
    try:
        agreeing.set_baseline(
            first=asked["first"], last=asked["last"], version=asked["version"], by=request.user,
            at=instant.now(),
        )  # fmt: skip
    except Stale as error:
        return refusal(request, error)
    except ModelError as error:
        return refusal(request, error, status=422)
    return done(request, "Now is compared with these days.", reverse("reconciliation:objectives"))


def _paths(asked: Asked) -> list[dict[str, Any]]:
    """Every path on which anything happened or is promised."""
    lines = {line.key: line for line in seeing.table(PROMISED.values(), asked, "path", _LABELS)}
    rows = {(one.path, one.number): one for one in Objective.objects.all()}
    there = {*lines, *(path for path, _ in rows)}
    return [
        {"path": path, "label": label, "targets": [
            _target(number, lines.get(path), rows.get((path, number.name)))
            for number in PROMISED.values()
        ]}
        for path, label in _LABELS.items() if path in there
    ]  # fmt: skip


def _target(number: Number, line: Line | None, row: Objective | None) -> dict[str, Any]:
    promise = Promise(number, row.target) if row else None
    cell = line.cells[number.name] if line else None
    return {
        "number": number,
        "cell": Cell(cell.measured, cell.url, promise) if cell else None,
        "promise": promise,
        "unit": "% at least" if number.how is How.SHARE else "minutes, for 95 in 100",
        "version": row.version if row else 0,
        "value": _value(row, number.how),
    }


def _value(row: Objective | None, how: How) -> float | None:
    if row is None:
        return None
    return row.target if how is How.SHARE else row.target / 60
