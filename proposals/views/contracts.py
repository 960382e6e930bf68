"""The live contracts as sentences, and the table of moves with the authority for each."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline.people.permissions import Permission, refusal_for
from meshline.policy import calendars, roles
from meshline.policy.models import Draft
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals import authority, states
from proposals.authority import PEOPLE, Authorities
from proposals.contracts import differences, sentences, versions
from proposals.contracts.promises import ContractSpec
from proposals.contracts.publishing import KIND
from proposals.contracts.sentences import Names
from proposals.models import Contract
from proposals.states import State
from proposals.tiers import Tier

# Stands for the connection that brought a proposal, whichever that is.
ITS_SOURCE = "its source"


@dataclass(frozen=True)
class Chapter:
    """All that follows when a proposal comes into one state."""

    state: State
    authority: str
    # Each contract, what it asks for, and where.
    agreed: list[tuple[Contract, list[str], str]]
    also: list[str]


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def contracts(request: Request) -> HttpResponse:
    live = {
        contract: versions.spec_of(contract)
        for contract in Contract.objects.live().order_by("slug")
    }
    minutes_a_day = sentences.minutes_a_day(calendars.hours_of(None).windows)
    names = Names(roles.names(), minutes_a_day)
    authorities = authority.load()
    waiting = {draft.slug: draft for draft in Draft.objects.filter(kind=KIND)}
    known = set(Contract.objects.values_list("slug", flat=True))
    context = {
        "drafted": waiting,
        "prepared": [draft for slug, draft in waiting.items() if slug not in known],
        "retired": Contract.objects.filter(is_retired=True, replaced_by=None).order_by("slug"),
        "no_draft": refusal_for(request.user, Permission.DRAFT_OPERATING_MODEL),
        "chapters": [_chapter(state, live, names, authorities) for state in State],
        "has_contracts": bool(live),
        "moves": [_row(here, authorities) for here in State],
        "states": [(state, _short(authorities, state)) for state in State],
        "tiers": [(name, sentences.budget(Tier(tier))) for tier, name in Tier.choices()],
    }
    return render(request, "proposals/contracts.html", context)


def _chapter(
    state: State, live: dict[Contract, ContractSpec], names: Names, authorities: Authorities
) -> Chapter:
    specs = list(live.values())
    agreed = [
        (contract, sentences.contract(spec, names), differences.condition(contract.condition))
        for contract, spec in live.items()
        if spec.trigger is state
    ]
    also = [*sentences.undone(state, specs), *sentences.kept(state, specs)]
    return Chapter(state, _long(authorities, state), agreed, also)


def _row(here: State, authorities: Authorities) -> dict[str, Any]:
    cells = [(to, _short(authorities, to) if states.is_move(here, to) else "") for to in State]
    return {"state": here, "cells": cells}


def _short(authorities: Authorities, to: State) -> str:
    return authorities.called[authorities.of(to, source=ITS_SOURCE)] or "nobody yet"


def _long(authorities: Authorities, to: State) -> str:
    named = authorities.of(to, source=ITS_SOURCE)
    if named == ITS_SOURCE:
        return "the connection that brought the proposal"
    if named == PEOPLE:
        return "people: a RevOps operator or manager"
    return authorities.called[named] or "nobody yet: nothing plays the part"
