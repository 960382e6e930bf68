"""A draft is tried before it is published: on one real proposal, and on all that lately came in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline import instant, masking
from meshline.people import permissions
from meshline.people.permissions import Permission, Scope
from meshline.policy import calendars, drafts
from meshline.policy.models import Draft
from meshline.web import seen
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals.contracts import backtest as back
from proposals.contracts import gates, publishing, rehearsal, sentences, terms, versions
from proposals.contracts.promises import ContractSpec, OutcomeSpec
from proposals.contracts.publishing import KIND, RETIRE
from proposals.contracts.rehearsal import Effect
from proposals.contracts.terms import SLUG
from proposals.models import Contract, Proposal, Signal

_RECENT = 25
_ANOTHER = f"{masking.MASK}, another text"
GONE = "The draft was changed meanwhile; begin again."


@dataclass(frozen=True)
class Tried:
    """What is tried: the draft, or what is in force where there is none."""

    slug: str
    name: str
    spec: ContractSpec | None  # none: it would be retired
    draft: Draft | None

    @property
    def mark(self) -> str:
        return f"{self.draft.pk}-{self.draft.revision}" if self.draft else "in-force"


# --- On one proposal -------------------------------------------------------------------------
@require_safe
@requires(Permission.DRAFT_OPERATING_MODEL)
def test(request: Request, slug: str) -> HttpResponse:
    """Which outcomes would be promised of a real proposal, with their texts filled in."""
    tried = _tried(slug)
    recent = Proposal.objects.visible_to(request.user).order_by("-changed_at", "-pk")[:_RECENT]
    context: dict[str, Any] = {"tried": tried, "slug": slug, "recent": recent, "asked": request.GET}
    proposal, signals, sentence = _chosen(request)
    context |= {"sentence": sentence, "chosen": proposal}
    if proposal and tried.spec:
        found = rehearsal.trial(proposal, signals, tried.spec, at=request.now or instant.now())
        context |= {
            "trial": found,
            "effects": [_shown(effect) for effect in found.effects],
            "left_out": [_left_out(spec) for spec in found.left_out],
            "until": signals[-1] if signals else None,
        }
    status = 404 if sentence else 200
    return render(request, "proposals/contract_test.html", context, status=status)


# --- On all that lately came in --------------------------------------------------------------
@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def backtest(request: Request, slug: str) -> HttpResponse:
    """`?run=all` at once; by htmx in pieces, each behind the proposal `after`, of one window.

    Who is to sign it and may not read all proposals reads the same of all of them, masked.
    """
    tried = _tried(slug)
    _check_reads(request, tried)
    asked, at = request.GET, request.now or instant.now()
    until = _number(asked.get("until"))
    window = back.window(at=at, until=until if "until" in asked else None)
    context: dict[str, Any] = {"tried": tried, "slug": slug, "window": window}
    if "run" not in asked:
        return render(request, "proposals/contract_backtest.html", context)
    if request.htmx and asked.get("mark", tried.mark) != tried.mark:
        return render(request, "proposals/_backtest_over.html", {**context, "sentence": GONE})
    in_pieces = bool(request.htmx) and asked["run"] != "all"
    context |= _piece(request, tried, window, in_pieces)
    if not request.htmx:
        return render(request, "proposals/contract_backtest.html", context)
    part = "_backtest_piece" if "after" in asked else "_contract_backtest"
    return render(request, f"proposals/{part}.html", context)


def _check_reads(request: Request, tried: Tried) -> None:
    """Who drafts plays it, and whoever was asked to publish it. Raises NotAllowed."""
    if tried.draft is None or publishing.refusal_to_publish(tried.draft, request.user):
        permissions.check(request.user, Permission.DRAFT_OPERATING_MODEL)


def _piece(request: Request, tried: Tried, window: back.Window, in_pieces: bool) -> dict[str, Any]:
    """The next proposals of a window, or all of them; what is found so far is carried along."""
    asked = request.GET
    after = _number(asked.get("after"))
    ids = window.chunk(after=after, most=back.CHUNK if in_pieces else None)
    old = versions.live()
    new = [spec for spec in old if spec.slug != tried.slug]
    new += [tried.spec] if tried.spec else []
    found = [one for one in back.compare(ids, window, old, new) if one.is_any]
    last = ids[-1] if ids else after
    tally = _tally(seen.read(asked.get("tally", "")), found)
    done = window.done(after=last)
    return {
        "is_run": True,
        "rows": _rows(request, found),
        "tally": tally,
        "kept": seen.keep(tally),
        "after": last,
        "done": done,
        "total": len(window.events),
        "is_over": done >= len(window.events),
    }


def _tally(before: dict[str, Any], found: Sequence[back.Difference]) -> dict[str, int]:
    counts = {
        "proposals": len(found),
        "gained": sum(len(one.gained) for one in found),
        "lost": sum(len(one.lost) for one in found),
        "changed": sum(len(one.changed) for one in found),
    }
    return {name: count + int(before.get(name, 0)) for name, count in counts.items()}


# --- Underneath ------------------------------------------------------------------------------
def _tried(slug: str) -> Tried:
    if not SLUG.fullmatch(slug):
        raise Http404
    draft, live = drafts.of(KIND, slug), Contract.objects.live().filter(slug=slug).first()
    if draft and draft.content != RETIRE:
        agreed = terms.kept(draft.content)
        return Tried(slug, agreed.name, versions.proposed(agreed, slug=slug), draft)
    if live is None:
        raise Http404
    return Tried(slug, live.name, None if draft else versions.spec_of(live), draft)


def _chosen(request: Request) -> tuple[Proposal | None, list[Signal], str]:
    """The proposal that was picked, with all its signals or those up to the one that was."""
    asked = request.GET
    if asked.get("signal", "").strip():
        found = Signal.objects.filter(pk=_number(asked["signal"].strip())).first()
        pk, until = (found.proposal_id, found.pk) if found else (0, 0)
    elif asked.get("proposal"):
        pk, until = _number(asked["proposal"]), 0
    else:
        return None, [], ""
    visible = Proposal.objects.visible_to(request.user).select_related("owner__team")
    proposal = visible.filter(pk=pk).first()
    if proposal is None:
        return None, [], "There is no such proposal or signal."
    signals = rehearsal.signals_of([proposal])[proposal.pk]
    return proposal, [one for one in signals if not until or one.pk <= until], ""


def _shown(effect: Effect) -> dict[str, Any]:
    spec = effect.spec
    deed = sentences.deed(spec.kind, spec.name)
    return {
        "effect": effect,
        "deed": deed[:1].upper() + deed[1:],
        "place": sentences.PARTS.get(spec.target, ""),
        "texts": list(effect.texts.items()),
        "waits_for": gates.whom(spec.gate.who) if spec.gate else "",
        "within": _within(spec),
        "proof": sentences.proof(spec),
    }


def _within(spec: OutcomeSpec) -> str:
    if spec.gate is None:
        return ""
    a_day = sentences.minutes_a_day(calendars.hours_of(None).windows)
    return sentences.working_time(spec.gate.within, a_day)


def _left_out(spec: OutcomeSpec) -> str:
    part = sentences.part(spec.target)
    return f"{spec.name}: not asked for, because nothing plays the part of {part}."


def _rows(request: Request, found: Sequence[back.Difference]) -> list[dict[str, Any]]:
    """What is different, as far as this person reads it."""
    masked = permissions.scope(request.user, Permission.SEE_PROPOSALS) is not Scope.ALL
    visible = Proposal.objects.visible_to(request.user)
    ids = [one.proposal.pk for one in found]
    opens = set(visible.filter(pk__in=ids).values_list("pk", flat=True))
    return [_row(one, opens=one.proposal.pk in opens, masked=masked) for one in found]


def _row(one: back.Difference, *, opens: bool, masked: bool) -> dict[str, Any]:
    return {
        "proposal": one.proposal,
        "opens": opens,
        "gained": [_shown(effect) for effect in one.gained],
        "lost": [_shown(effect) for effect in one.lost],
        "changed": [
            {
                **_shown(change.after),
                "change": _words(change, masked=masked),
                "verdict": change.verdict,
            }
            for change in one.changed
        ],
    }


def _words(change: back.Change, *, masked: bool) -> dict[str, dict[str, str]]:
    """What is otherwise; of texts filled in, which name people and amounts, that they are."""
    texts = {*change.before.texts, *change.after.texts} if masked else set()
    told = {
        about: (masking.MASK, _ANOTHER) if about in texts else words
        for about, words in change.words.items()
    }
    return {
        "before": {about: old for about, (old, _) in told.items()},
        "after": {about: new for about, (_, new) in told.items()},
    }


def _number(text: str | None) -> int:
    fits = bool(text) and text is not None and text.isascii() and text.isdecimal()
    return int(text) if fits and text is not None and len(text) < 19 else 0
