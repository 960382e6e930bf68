"""Runbooks in the browser: what is written down for each kind of ticket, and writing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exceptions import escalation_terms, prose, runbooks
from exceptions.kinds import KINDS, Kind
from exceptions.models import Runbook
from exceptions.runbook_forms import FailureForm, RunbookForm
from exceptions.runbooks import FAILURE_MOST, Place
from meshline import instant
from meshline.people.permissions import Permission, refusal_for
from meshline.policy.operating_model import ModelError, Stale
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request


@dataclass(frozen=True)
class Version:
    """A version with what it changed, and why it does not come back."""

    row: Runbook
    change: dict[str, Any]
    refusal: str
    back_url: str


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def shelf(request: Request) -> HttpResponse:
    """Every kind with its runbook, and the failures that have one of their own."""
    written: dict[str, list[Runbook]] = {}
    for row in Runbook.objects.live().defer("text").order_by("failure"):
        written.setdefault(row.kind, []).append(row)
    context = {
        "kinds": [(kind, written.get(name, [])) for name, kind in KINDS.items()],
        "agreed": escalation_terms.in_force(),
    }
    return render(request, "exceptions/runbooks.html", context)


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def runbook(request: Request, kind: str) -> HttpResponse:
    """What is written down for a kind or one failure of it, with its versions."""
    place = _place(kind, request.GET)
    return _show(request, place)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Permission.CHANGE_OPERATING_MODEL)
def change(request: Request, kind: str) -> HttpResponse:
    place = _place(kind, request.GET)
    if request.method != "POST":
        here = runbooks.in_force(place)
        text, seen = (here.text, here.number) if here else ("", 0)
        return _show_form(request, place, RunbookForm(initial={"text": text, "seen": seen}))
    form = RunbookForm(request.POST)
    if not form.is_valid():
        return _show_form(request, place, form, status=422)
    try:
        made = runbooks.publish(place, **form.cleaned_data, by=request.user, at=instant.now())
    except Stale as error:
        return _show_form(request, place, form, stale=error, status=409)
    except ModelError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _show_form(request, place, form, status=422)
    said = f"Version {made.number} is in force." if made else "Nothing is written down."
    return done(request, said, _page(place))


@require_POST
@requires(Permission.CHANGE_OPERATING_MODEL)
def roll_back(request: Request, kind: str, number: int) -> HttpResponse:
    """Bring a version back in one click, as a new one."""
    place = _place(kind, request.GET)
    seen = request.POST.get("seen", "")
    try:
        made = runbooks.roll_back(
            place, to=min(number, 2**31 - 1), seen=_number(seen), by=request.user, at=instant.now()
        )
    except Stale:
        sentence = "Somebody else changed this meanwhile: this is what it says now."
        return _show(request, place, trouble=sentence, status=409)
    except ModelError as error:
        return refusal(request, error)
    return done(request, f"Version {number} is back, as version {made.number}.", _page(place))


# --- Underneath -------------------------------------------------------------------------------
def _place(kind: str, words: Mapping[str, str]) -> Place:
    """What the address names; 404 for a kind that there is not."""
    failure = words.get("failure", "").strip()
    if kind not in KINDS or len(failure) > FAILURE_MOST or not failure.isprintable():
        raise Http404
    return Place(kind, failure)


def _page(place: Place, name: str = "runbook", *args: Any) -> str:
    url = reverse(f"exceptions:{name}", args=[place.kind, *args])
    return f"{url}?{urlencode({'failure': place.failure})}" if place.failure else url


def _about(place: Place) -> dict[str, Any]:
    kind: Kind = KINDS[place.kind]
    return {"kind": kind, "place": place, "page": _page(place)}


def _show(request: Request, place: Place, *, trouble: str = "", status: int = 200) -> HttpResponse:
    no_change = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    rows = runbooks.versions(place)
    live = rows[0] if rows else None
    context = {
        **_about(place),
        "live": live,
        "blocks": prose.read(live.text) if live else [],
        "versions": _versions(place, rows, no_change),
        "refusal": no_change,
        "change_url": _page(place, "change-runbook"),
        "failure_form": FailureForm(known=runbooks.failures(place.kind)),
        "trouble": trouble,
    }
    return render(request, "exceptions/runbook.html", context, status=status)


def _versions(place: Place, rows: list[Runbook], no_change: str) -> list[Version]:
    """Each with what it changed in the one before; of the oldest shown, that is not told."""
    before = {row.number: row for row in rows}
    return [
        Version(
            row,
            _difference(before.get(row.number - 1), row),
            no_change or _same(row, rows[0]),
            _page(place, "roll-back-runbook", row.number),
        )
        for row in rows
    ]


def _difference(old: Runbook | None, new: Runbook) -> dict[str, Any]:
    """The lines that went and came."""
    return prose.difference(old.text, new.text) if old else {}


def _same(row: Runbook, live: Runbook) -> str:
    return "This is what it says already." if row.text == live.text else ""


def _show_form(
    request: Request, place: Place, form: RunbookForm, *, status: int = 200,
    stale: Stale | None = None,
) -> HttpResponse:  # fmt: skip
    """The form; typed over something older, with what was written meanwhile, and for that."""
    context = {**_about(place), "form": form}
    if stale:
        now = runbooks.in_force(place)
        again = {**form.cleaned_data, "seen": now.number if now else 0}
        context["form"] = RunbookForm(again)
        context["stale"] = {
            "who": now.author if now else "",
            "change": prose.difference(str(stale.seen.get("text", "")), now.text if now else ""),
        }
        context["now"] = now
    return render(request, "exceptions/runbook_form.html", context, status=status)


def _number(text: str) -> int:
    """A version from a form; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
