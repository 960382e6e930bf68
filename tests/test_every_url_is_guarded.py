"""Every URL × method × role: one table, and a URL without a row fails.

The rows say who gets in. Everybody else who is signed in is refused: 403 with a sentence where they
lack the right, 404 where the thing is out of their scope. Strangers are sent to the sign-in page.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from connectors.models import Connection, Message, Receipt, RejectedReceipt, Sync
from exceptions import bulk, looks, troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.permissions import Role
from meshline.policy.models import BusinessCalendar, Sla
from meshline.rota import absences, overrides, shifts
from proposals.contracts import approvals
from proposals.contracts.gates import Gate
from proposals.models import Approval, FollowUp, ForcedEffect, Outcome, Proposal
from reconciliation import samples
from reconciliation.models import Canary, Divergence, Run
from tests import factories

O, M, S, R, A, V = Role  # noqa: E741 - one letter a role keeps the table readable
EVERYBODY = frozenset(Role)
ROLES = [*Role, None]


@dataclass(frozen=True)
class Row:
    """Who gets in by which method; `out` are those for whom this very thing does not exist."""

    get: frozenset = frozenset()
    post: frozenset = frozenset()
    out: frozenset = frozenset()
    args: str = ""
    # Open to strangers: signing in, and the doors for machines.
    public: bool = False


def roles(*some):
    return frozenset(some)


SEE_QUEUE = roles(O, M, S, A, V)
SEE_RAW = roles(O, M, S, A)
PROPOSALS = EVERYBODY

API_LISTS = [
    "messages", "signals", "proposals", "follow-ups", "outcomes", "tickets", "checks", "runs",
    "divergences", "trail",
]  # fmt: skip
BULK_ACTS = [
    "claim", "acknowledge", "release", "resolve", "escalate", "note", "assign", "snooze",
]  # fmt: skip
API_ACTS = [*BULK_ACTS, "take-over", "wake", "link", "unlink"]

# The proposal belongs to Remy of Sales, the ticket to Olivia of RevOps.
TABLE = {
    "home": Row(get=EVERYBODY),
    "people:sign-in": Row(get=EVERYBODY, post=EVERYBODY, public=True),
    "people:sign-out": Row(post=EVERYBODY, public=True),
    "people:invitation": Row(get=EVERYBODY, post=EVERYBODY, args="token", public=True),
    "people:profile": Row(get=EVERYBODY, post=EVERYBODY),
    "people:password": Row(get=EVERYBODY, post=EVERYBODY),
    "people:theme": Row(post=EVERYBODY),
    "people:keys": Row(post=EVERYBODY),
    "people:make-token": Row(post=EVERYBODY),
    # Nobody's here: one's own alone are found.
    "people:revoke-token": Row(post=EVERYBODY, args="nobodys-token"),
    "people:revoke-their-token": Row(post=roles(A), args="their-token"),
    "people:people": Row(get=roles(M, S, A)),
    "people:invite": Row(get=roles(A), post=roles(A)),
    "people:person": Row(get=roles(M, S, A), post=roles(A), args="person"),
    "people:invite-again": Row(post=roles(A), args="person"),
    "people:teams": Row(get=roles(M, S, A)),
    "people:add-team": Row(get=roles(A), post=roles(A)),
    "people:team": Row(get=roles(M, S, A), post=roles(A), args="team"),
    "people:remove-team": Row(post=roles(A), args="team"),
    # Whose the things are: Remy of Sales is on call for Sales, and is going to be out.
    "absences:absences": Row(get=EVERYBODY),
    "absences:plan-own": Row(get=roles(O, M, S, R), post=roles(O, M, S, R)),
    "absences:plan": Row(get=roles(M, S, R), post=roles(M, S, R), args="person"),
    "absences:absence": Row(get=roles(M, S, R), post=roles(M, S, R), args="absence"),
    "absences:end": Row(post=roles(M, S, R), args="absence"),
    "absences:cancel": Row(post=roles(M, S, R), args="absence"),
    "rota:rota": Row(get=EVERYBODY),
    "rota:coverage": Row(get=EVERYBODY),
    "rota:add-shift": Row(get=roles(O, M, S, R), post=roles(O, M, S, R)),
    "rota:shift": Row(get=EVERYBODY, post=roles(M, S, R), args="shift"),
    # Whether it is theirs, the verb says: an operator may take over from somebody.
    "rota:override": Row(get=roles(O, M, S, R), post=roles(O, M, S, R), args="shift"),
    "rota:swap": Row(get=roles(O, M, S, R), post=roles(O, M, S, R), args="shift"),
    "rota:hand-over": Row(get=roles(M, S, R), post=roles(M, S, R), args="shift"),
    "rota:remove-override": Row(post=roles(M, S, R), args="override"),
    "rota:remove-shift": Row(post=roles(M, S, R), args="shift"),
    "notices:list": Row(get=EVERYBODY),
    "notices:read-all": Row(post=EVERYBODY),
    "notices:read-record": Row(post=EVERYBODY),
    "notices:latest": Row(get=EVERYBODY),
    "notices:bell": Row(get=EVERYBODY),
    # Nobody's here: one's own alone are found.
    "notices:read": Row(post=EVERYBODY, args="nobodys-notice"),
    "notices:preferences": Row(get=EVERYBODY, post=EVERYBODY),
    "web:banner": Row(get=EVERYBODY),
    "audit:trail": Row(get=roles(O, M, S, A)),
    "audit:export": Row(post=roles(O, M, S, A)),
    "exceptions:queue": Row(get=SEE_QUEUE),
    "exceptions:export": Row(post=roles(O, M, S)),
    "exceptions:numbers": Row(get=SEE_QUEUE),
    "exceptions:export-numbers": Row(post=roles(O, M, S)),
    "exceptions:look": Row(post=SEE_QUEUE),
    "exceptions:views": Row(get=SEE_QUEUE),
    "exceptions:save-view": Row(post=SEE_QUEUE),
    # One that Olivia shares.
    "exceptions:begin-with-view": Row(post=SEE_QUEUE, args="view"),
    "exceptions:share-view": Row(post=SEE_QUEUE, out=SEE_QUEUE - {O}, args="view"),
    # Nobody's here: one's own alone are found.
    "exceptions:remove-view": Row(post=SEE_QUEUE, out=SEE_QUEUE, args="nobodys-view"),
    "exceptions:ticket": Row(get=SEE_QUEUE, out=roles(S), args="ticket"),
    "exceptions:next": Row(get=SEE_QUEUE, out=roles(S), args="ticket"),
    "exceptions:claim": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:release": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:acknowledge": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:resolve": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:escalate": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:keep": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:note": Row(post=roles(O, M, S, V), out=roles(S), args="ticket"),
    "exceptions:merge": Row(get=roles(O, M, S), post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:assign": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:take-over": Row(post=roles(M, S), out=roles(S), args="ticket"),
    "exceptions:snooze": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:wake": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:link": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:unlink": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:undo": Row(post=roles(O, M, S), out=roles(S), args="ticket"),
    "exceptions:bulk": Row(get=roles(O, M, S, V), post=roles(O, M, S, V)),
    # The operator's own; a manager sees everybody's.
    "exceptions:bulk-job": Row(get=roles(O, M, S, V), out=roles(S, V), args="bulk"),
    "exceptions:start-bulk": Row(post=roles(O, S, V), out=roles(S, V), args="bulk"),
    "exceptions:cancel-bulk": Row(post=roles(O, M, S, V), out=roles(S, V), args="bulk"),
    "exceptions:retry-bulk": Row(post=roles(O, S, V), out=roles(S, V), args="bulk"),
    "exceptions:change-owners": Row(get=EVERYBODY, post=roles(M), args="process"),
    "exceptions:owners-preview": Row(post=roles(M), args="process"),
    "exceptions:slas": Row(get=EVERYBODY),
    "exceptions:escalation": Row(get=EVERYBODY),
    "exceptions:change-escalation": Row(get=roles(M), post=roles(M)),
    "exceptions:runbooks": Row(get=EVERYBODY),
    "exceptions:runbook": Row(get=EVERYBODY, args="kind"),
    "exceptions:change-runbook": Row(get=roles(M), post=roles(M), args="kind"),
    "exceptions:roll-back-runbook": Row(post=roles(M), args="runbook-version"),
    "exceptions:add-sla": Row(get=roles(M), post=roles(M)),
    "exceptions:sla-preview": Row(get=roles(M)),
    "exceptions:change-sla": Row(get=roles(M), post=roles(M), args="sla"),
    "exceptions:remove-sla": Row(get=roles(M), post=roles(M), args="sla"),
    "owners:owners": Row(get=EVERYBODY),
    # Nothing is planned there, whoever asks.
    "owners:cancel": Row(post=roles(M), args="process"),
    "owners:remove": Row(post=roles(M), args="process"),
    "owners:company": Row(get=EVERYBODY, post=roles(M)),
    "proposals:list": Row(get=PROPOSALS),
    "proposals:proposal": Row(get=PROPOSALS, args="proposal"),
    "proposals:move": Row(post=roles(O, M), args="proposal"),
    "proposals:assign": Row(post=roles(O, M, S), args="proposal"),
    "proposals:set-owner": Row(
        get=roles(O, M, S), post=roles(O, M, S), out=roles(S), args="ticket"
    ),
    "proposals:keep": Row(post=roles(O, M, S, R), args="proposal"),
    "proposals:hold": Row(post=roles(O, M), args="proposal"),
    "proposals:lift": Row(post=roles(O, M), args="proposal"),
    "proposals:hold-thresholds": Row(get=EVERYBODY, post=roles(M)),
    # Nothing is to be decided there, whoever asks.
    "proposals:take-value": Row(post=roles(O, M), args="value"),
    "proposals:contracts": Row(get=EVERYBODY),
    "proposals:routing": Row(get=EVERYBODY),
    "proposals:routing-version": Row(get=EVERYBODY, args="version"),
    "proposals:restore-routing": Row(post=roles(M), args="version"),
    "proposals:routing-draft": Row(get=roles(O, M)),
    "proposals:add-routing-rule": Row(get=roles(O, M), post=roles(O, M)),
    "proposals:change-routing-rule": Row(get=roles(O, M), post=roles(O, M), args="rule"),
    "proposals:move-routing-rule": Row(post=roles(O, M), args="rule"),
    "proposals:remove-routing-rule": Row(post=roles(O, M), args="rule"),
    "proposals:discard-routing-draft": Row(post=roles(O, M)),
    "proposals:submit-routing-draft": Row(post=roles(O, M)),
    "proposals:rebase-routing-draft": Row(post=roles(O, M)),
    "proposals:publish-routing": Row(get=roles(O, M), post=roles(M)),
    "proposals:routing-backtest": Row(post=roles(O, M)),
    "reconciliation:test-routing": Row(get=roles(O, M), post=roles(O, M)),
    "proposals:follow-up-slas": Row(get=EVERYBODY),
    "proposals:follow-ups": Row(get=EVERYBODY),
    "proposals:export-follow-ups": Row(post=roles(O, M, S)),
    "proposals:complete-follow-up": Row(post=roles(O, M, S, R), args="follow-up"),
    "proposals:undo-follow-up": Row(post=roles(O, M, S, R), args="follow-up"),
    "proposals:reschedule-follow-up": Row(post=roles(O, M, S, R), args="follow-up"),
    "proposals:approvals": Row(get=roles(O, M, S, V)),
    "proposals:approvals-count": Row(get=roles(O, M, S, V)),
    # It waits for a manager; an operator sees it, and others only what waits for them.
    "proposals:approval": Row(get=roles(O, M, S, V), out=roles(S, V), args="approval"),
    "proposals:approve": Row(post=roles(M, S, V), out=roles(S, V), args="approval"),
    "proposals:reject": Row(post=roles(M, S, V), out=roles(S, V), args="approval"),
    "proposals:new-contract": Row(get=roles(O, M), post=roles(O, M)),
    "proposals:contract": Row(get=EVERYBODY, args="contract"),
    "proposals:edit-contract": Row(get=roles(O, M), post=roles(O, M), args="contract"),
    "proposals:test-contract": Row(get=roles(O, M), args="contract"),
    "proposals:backtest-contract": Row(get=roles(O, M), args="contract"),
    "proposals:submit-contract": Row(post=roles(O, M), args="contract"),
    "proposals:discard-contract": Row(post=roles(O, M), args="contract"),
    # Who was asked for approval gets in, too; here nobody was.
    "proposals:publish-contract": Row(post=roles(M), args="contract"),
    "proposals:send-back-contract": Row(post=EVERYBODY, args="contract"),
    "proposals:retire-contract": Row(post=roles(M), args="contract"),
    "proposals:contract-version": Row(get=EVERYBODY, args="contract-version"),
    "proposals:roll-back-contract": Row(post=roles(M), args="contract-version"),
    "connectors:hook": Row(args="slug", public=True),
    "connectors:connections": Row(get=roles(O, M, S, A, V)),
    "connectors:new-connection": Row(get=roles(A), post=roles(A)),
    "connectors:connection": Row(get=roles(O, M, S, A, V), args="slug"),
    "connectors:change-connection": Row(get=roles(A), post=roles(A), args="slug"),
    "connectors:enter-secret": Row(post=roles(A), args="slug"),
    "connectors:end-older-secrets": Row(post=roles(A), args="slug"),
    "connectors:connection-status": Row(post=roles(O, M, A), args="slug"),
    "connectors:test-connection": Row(post=roles(A), args="slug"),
    "connectors:syncs": Row(get=roles(O, M, S, A, V), args="slug"),
    "connectors:sync-now": Row(post=roles(O, M, A), args="slug"),
    "connectors:backfill": Row(post=roles(O, M, A), args="slug"),
    "connectors:snapshot": Row(post=roles(O, M, A), args="slug"),
    "connectors:cancel-sync": Row(post=roles(O, M, A), args="sync"),
    "connectors:mapping": Row(get=roles(O, M, S, A, V), args="slug"),
    "connectors:mapping-draft": Row(get=roles(O, M), post=roles(O, M), args="slug"),
    "connectors:submit-mapping-draft": Row(post=roles(O, M), args="slug"),
    "connectors:discard-mapping-draft": Row(post=roles(O, M), args="slug"),
    "connectors:test-mapping": Row(get=roles(O, M), post=roles(O, M), args="slug"),
    "connectors:backtest-mapping": Row(get=roles(O, M), args="slug"),
    "connectors:publish-mapping": Row(get=roles(O, M), post=roles(M), args="slug"),
    "connectors:release-mapped": Row(post=roles(O, M), args="slug"),
    "connectors:mapping-version": Row(get=roles(O, M, S, A, V), args="mapping-version"),
    "connectors:restore-mapping": Row(post=roles(M), args="mapping-version"),
    "connectors:systems": Row(get=roles(O, M, S, A, V)),
    "connectors:part": Row(get=roles(M), post=roles(M), args="part"),
    "connectors:agree": Row(get=roles(M, A), post=roles(M, A), args="slug"),
    "connectors:truths": Row(get=EVERYBODY),
    "connectors:truth": Row(get=roles(M), post=roles(M), args="truth"),
    "connectors:truth-preview": Row(get=roles(M), args="truth"),
    "connectors:publish-truth": Row(post=roles(M), args="truth"),
    "connectors:discard-truth": Row(post=roles(M), args="truth"),
    "connectors:health-owners": Row(get=roles(O, M, S, A, V)),
    "connectors:messages": Row(get=SEE_RAW),
    "connectors:posts": Row(get=SEE_RAW),
    "connectors:post": Row(get=SEE_RAW, args="post"),
    # Of raw bytes an admin sees the structure alone.
    "connectors:post-raw": Row(get=roles(O, M, S), args="post"),
    "connectors:message-raw": Row(get=roles(O, M, S), args="message"),
    # What was refused belongs to no record, and so to no team.
    "connectors:refused-post": Row(get=SEE_RAW, out=roles(S), args="refused"),
    "connectors:refused-raw": Row(get=roles(O, M, S), out=roles(S), args="refused"),
    "connectors:refused": Row(get=SEE_RAW),
    "connectors:message": Row(get=SEE_RAW, args="message"),
    "connectors:release-message": Row(get=roles(O, M), post=roles(O, M), args="message"),
    # An operator replays what is their own; this message is about Remy's proposal.
    "connectors:replay-message": Row(get=roles(M), post=roles(M), args="message"),
    "connectors:outcomes": Row(get=PROPOSALS),
    "connectors:outcome": Row(get=PROPOSALS, args="outcome"),
    "connectors:retry-outcome": Row(post=roles(O, M), args="outcome"),
    "connectors:cancel-outcome": Row(post=roles(O, M), args="outcome"),
    "connectors:retry-ticket": Row(post=roles(O, M), args="ticket"),
    "connectors:release-ticket": Row(post=roles(O, M), args="ticket"),
    "connectors:replay-ticket": Row(get=roles(O, M), post=roles(O, M), args="ticket"),
    "connectors:skip-on-ticket": Row(get=roles(O, M), post=roles(O, M), args="ticket"),
    "connectors:ask-to-force": Row(get=roles(M), post=roles(M), args="ticket"),
    "connectors:forced-effect": Row(get=roles(M), args="forced"),
    "connectors:approve-forced": Row(post=roles(M), args="forced"),
    "connectors:reject-forced": Row(post=roles(M), args="forced"),
    # Of the queue's people; a rep and whoever does not see the ticket find none.
    "connectors:ticket-places": Row(get=SEE_QUEUE, out=roles(S), args="ticket"),
    "connectors:links": Row(get=PROPOSALS, args="record"),
    "reconciliation:dashboards": Row(get=SEE_QUEUE),
    "reconciliation:follow-up": Row(get=SEE_QUEUE),
    "reconciliation:debt": Row(get=SEE_QUEUE),
    "reconciliation:review": Row(get=SEE_QUEUE),
    "reconciliation:waiting": Row(get=SEE_QUEUE),
    "reconciliation:objectives": Row(get=SEE_QUEUE),
    "reconciliation:publish-objective": Row(post=roles(M)),
    "reconciliation:set-baseline": Row(post=roles(M)),
    "reconciliation:export-dashboards": Row(post=roles(M, S)),
    "reconciliation:reassign": Row(get=roles(O, M, S), post=roles(O, M, S)),
    "reconciliation:rows": Row(get=SEE_QUEUE, args="number"),
    "reconciliation:clock": Row(get=PROPOSALS, args="record"),
    "operating-model": Row(get=EVERYBODY),
    "operating-model-file": Row(get=roles(M, A)),
    "reconciliation:answers-for": Row(get=roles(M, S, A), args="person"),
    "reconciliation:runs": Row(get=SEE_QUEUE),
    "reconciliation:run": Row(get=SEE_QUEUE, args="run"),
    "reconciliation:start-run": Row(post=roles(O, M), args="slug"),
    "reconciliation:cancel-run": Row(post=roles(O, M), args="run"),
    "reconciliation:confirm-run": Row(post=roles(M), args="run"),
    "reconciliation:divergences": Row(get=SEE_QUEUE),
    "reconciliation:divergences-bulk": Row(post=roles(O, M)),
    "reconciliation:divergences-really": Row(get=roles(O, M)),
    "reconciliation:group": Row(get=SEE_QUEUE, args="group"),
    "reconciliation:divergence": Row(get=SEE_QUEUE, args="divergence"),
    "reconciliation:take-side": Row(post=roles(O, M), args="side"),
    "reconciliation:edit": Row(post=roles(O, M), args="divergence"),
    "reconciliation:undo": Row(post=roles(O, M), args="divergence"),
    "reconciliation:accept": Row(post=roles(M), args="divergence"),
    "reconciliation:checks": Row(get=SEE_QUEUE),
    "reconciliation:check": Row(get=SEE_QUEUE, args="check"),
    "reconciliation:run-check": Row(post=roles(O, M, A), args="check"),
    "reconciliation:signed-against-invoiced": Row(get=SEE_QUEUE),
    "reconciliation:unbilled-loop": Row(get=SEE_QUEUE),
    "reconciliation:export-unbilled": Row(post=roles(O, M, S)),
    "reconciliation:signed-not-invoiced": Row(get=SEE_QUEUE),
    # What it takes depends on what is missing: the verb says.
    "reconciliation:create-invoice": Row(post=SEE_QUEUE, args="proposal"),
    "reconciliation:link-invoice": Row(get=roles(O, M), post=roles(O, M), args="proposal"),
    "reconciliation:tune-check": Row(post=roles(M, A), args="check"),
    "reconciliation:samples": Row(get=SEE_QUEUE),
    "reconciliation:sample": Row(get=SEE_QUEUE, args="sample"),
    "reconciliation:judge": Row(post=roles(O, M, S), args="drawn"),
    "reconciliation:canaries": Row(get=SEE_QUEUE),
    "reconciliation:canary": Row(get=SEE_QUEUE, args="slug"),
    "reconciliation:run-canary": Row(post=roles(O, M, A), args="slug"),
    "reconciliation:switch-canary": Row(post=roles(M, A), args="slug"),
    "reconciliation:canary-rhythm": Row(post=roles(M, A), args="slug"),
    "reconciliation:monday": Row(get=SEE_QUEUE),
    "reconciliation:run-monday": Row(post=roles(O, M, A)),
    "reconciliation:monday-week": Row(get=SEE_QUEUE, args="week"),
    "reconciliation:sign-monday": Row(post=roles(O, M), args="week"),
    "reconciliation:map": Row(get=EVERYBODY),
    "reconciliation:path": Row(get=EVERYBODY, args="state"),
    "reconciliation:lints": Row(get=EVERYBODY),
    "policy:calendar": Row(get=EVERYBODY, args="calendar"),
    "exceptions:new-calendar": Row(get=roles(M), post=roles(M)),
    "exceptions:change-calendar": Row(get=roles(M), post=roles(M), args="calendar"),
    # The default one, which stays whoever asks.
    "exceptions:remove-calendar": Row(get=roles(M), post=roles(M), args="calendar"),
    "exceptions:calendar-preview": Row(post=roles(M)),
    "policy:regions": Row(get=roles(M)),
    "demo": Row(get=EVERYBODY),
    "demo-act": Row(post=EVERYBODY, args="act"),
    # The API is a machines' door: a session opens none of it. tests/api walks it by role.
    **{f"api-{name}": Row(public=True) for name in [*API_LISTS, "metrics"]},
    **{f"api-{name}-one": Row(args="ticket", public=True) for name in API_LISTS},
    **{f"api-tickets-one-{act}": Row(args="ticket", public=True) for act in API_ACTS},
    **{f"api-bulk-{act}": Row(public=True) for act in BULK_ACTS},
    "api-bulk-one": Row(args="bulk", public=True),
    **{
        f"api-bulk-one-{act}": Row(args="bulk", public=True) for act in ("start", "cancel", "retry")
    },
    "api-openapi": Row(public=True),
    "api-nothing": Row(args="slug", public=True),
    "api-docs": Row(get=EVERYBODY),
    "healthz": Row(get=EVERYBODY, public=True),
    "readyz": Row(get=EVERYBODY, public=True),
    "metrics": Row(get=EVERYBODY, public=True),
    "operations": Row(get=roles(O, M, A, V)),
    "palette": Row(get=EVERYBODY),
}


@pytest.fixture
def things(staff):
    """One of each thing a URL may name."""
    factories.pandadoc()
    factories.hubspot()
    factories.post_pandadoc([factories.document("sent")])
    factories.digest_all()
    factories.post_pandadoc([factories.document("viewed")], secret="wrong")
    proposal = Proposal.objects.get()
    assert proposal.owner == staff["remy"]
    outcome = Outcome.objects.order_by("pk").first()
    gate = Gate("role:manager", 60)
    approvals.ask([(outcome, gate, None)], at=instant.now())
    Outcome.objects.filter(pk=outcome.pk).update(state="held")
    ticket = troubles.open_ticket(
        Trouble(
            kind="delivery-failed", cause="x", title="x", reason="x", subject="outcome:0",
            evidence={"x": 1},
        ),
        by=SETUP,
        at=instant.now(),
    )  # fmt: skip
    assert ticket.owner == staff["olivia"]
    forced = ForcedEffect.objects.create(
        outcome=outcome, ticket=ticket, reason="x", asked_by=staff["olivia"], asked_at=instant.now()
    )
    at, remy = instant.now(), staff["remy"]
    note = {"act": "note", "given": {"text": "x"}}
    soon, day = at + timedelta(hours=1), timedelta(days=1)
    times = {"starts_at": soon, "ends_at": soon + day, "by": SETUP, "at": at}
    [shift] = shifts.add(team=remy.team, user=remy, **times)
    override = overrides.add(shift_id=shift.pk, user=staff["sam"], **times)
    later = {"starts_at": soon + 2 * day, "ends_at": soon + 3 * day}
    absence = absences.plan(user=remy, by=SETUP, at=at, **later)
    view = looks.save(
        by=staff["olivia"], name="Big ones", words="tab=open", is_shared=True, begins=False
    )
    there = Connection.objects.get(slug="pandadoc")
    sync = Sync.objects.create(
        connection=there, kind="documents", mode="full", until=at, asked_at=at
    )
    run = Run.objects.create(connection=there, kind="documents", asked_at=at)
    divergence = Divergence.objects.create(
        connection=there, kind="documents", record=proposal.record, proposal=proposal,
        sort="different", field="title", severity="low", cause="x", first_run=run, last_run=run,
        first_at=at, last_at=at,
    )  # fmt: skip
    Canary.objects.create(connection=there, since=at, next_at=at)
    sample = samples.draw_if_due(at=at)
    return {
        "": [],
        "sync": [sync.pk],
        "token": ["no-such-token"],
        "person": [staff["remy"].pk],
        "nobodys-token": [0],
        "nobodys-notice": [0],
        "nobodys-view": [0],
        "view": [view.pk],
        "their-token": [staff["remy"].pk, 0],
        "ticket": [ticket.pk],
        "bulk": [bulk.of_rows({ticket.pk: ""}, **note, by=ticket.owner, at=at).pk],
        "proposal": [proposal.pk],
        "slug": ["pandadoc"],
        "message": [Message.objects.get().pk],
        "post": [Receipt.objects.get().pk],
        "refused": [RejectedReceipt.objects.get().pk],
        "outcome": [Outcome.objects.order_by("pk").first().pk],
        "forced": [forced.pk],
        "record": [proposal.record],
        "act": ["send"],
        "calendar": [BusinessCalendar.objects.get(is_default=True).pk],
        "team": [remy.team.slug],
        "absence": [absence.pk],
        "shift": [shift.pk],
        "override": [override.pk],
        "sla": [Sla.objects.get(kind="", severity="high").pk],
        "process": ["delivery"],
        "version": [1],
        "kind": ["dispute"],
        "runbook-version": ["dispute", 1],
        "rule": ["named-owner"],
        "approval": [Approval.objects.get().pk],
        "follow-up": [FollowUp.objects.get().pk],
        "contract": ["sent"],
        "contract-version": ["sent", 1],
        "state": ["signed"],
        "check": ["delivery-sanity"],
        "run": [run.pk],
        "divergence": [divergence.pk],
        "side": [divergence.pk, "theirs"],
        "group": ["hubspot", "deals", "different", "amount"],
        "week": ["2026-W10"],
        "number": ["event-delivery"],
        "sample": [sample.pk],
        "drawn": [sample.drawn.get().pk],
        # What is built in.
        "mapping-version": ["pandadoc", 0],
        "part": ["crm"],
        "truth": ["proposal", "amount"],
        "value": [proposal.pk, "amount", 0],
    }


def names(patterns=None, prefix=""):
    for one in patterns or get_resolver().url_patterns:
        if isinstance(one, URLResolver):
            space = f"{one.namespace}:" if one.namespace else ""
            if one.namespace != "admin":
                yield from names(one.url_patterns, f"{prefix}{space}")
        elif isinstance(one, URLPattern) and one.name:
            yield f"{prefix}{one.name}"


def test_every_url_has_a_row():
    assert set(names()) - set(TABLE) == set()
    assert set(TABLE) - set(names()) == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.value if role else "stranger")
def test_who_gets_in(role, staff, things, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    user = next((one for one in staff.values() if one.role == role), None)
    wrong, client = [], Client()
    for name, row in TABLE.items():
        address = reverse(name, args=things[row.args])
        for method in ("get", "post", "put", "delete", "patch"):
            # Some of them sign out or end the sitting.
            if user and not client.session.get(SESSION_KEY):
                client.force_login(user)
            # As htmx asks: a refusal then is a status, not a way back with a message.
            answer = getattr(client, method)(address, headers={"HX-Request": "true"})
            expected = expected_of(row, method, role)
            if not expected(answer):
                wrong.append(
                    f"{method.upper()} {address}: {answer.status_code}, {expected.__name__}"
                )
    assert not wrong, "\n" + "\n".join(wrong)


def expected_of(row, method, role):
    allowed = getattr(row, method, frozenset())
    known = bool(allowed) or row.public
    if row.public:
        return anything_but_a_fault
    if role is None:
        return goes_to_sign_in
    if not known:
        return wrong_method
    if role not in allowed:
        return is_refused
    if role in row.out:
        return does_not_exist
    return comes_in


def comes_in(answer):
    """It was let in: whatever the view then said, it was not a refusal of the person."""
    return answer.status_code in {200, 204, 302, 303, 304, 400, 404, 409, 410, 422, 429} and not (
        goes_to_sign_in(answer)
    )


def anything_but_a_fault(answer):
    return answer.status_code < 500


def goes_to_sign_in(answer):
    to = answer.headers.get("HX-Redirect") or answer.headers.get("Location", "")
    return answer.status_code < 400 and to.startswith("/sign-in/")


def is_refused(answer):
    """403 with the reason; 405 where nobody may use the method; 404 where it does not exist."""
    return answer.status_code in {403, 404, 405}


def does_not_exist(answer):
    return answer.status_code == 404


def wrong_method(answer):
    return answer.status_code in {403, 405}


@pytest.mark.parametrize("role", list(Role))
def test_only_admins_look_at_the_tables(role, staff):
    client = Client()
    client.force_login(next(one for one in staff.values() if one.role == role))
    answer = client.get("/tables/")
    assert (answer.status_code == 200) == (role == Role.ADMIN)
    table = client.get("/tables/people/user/")
    assert (table.status_code == 200) == (role == Role.ADMIN)


def test_nobody_changes_a_table_by_hand(staff):
    client = Client()
    client.force_login(staff["ada"])
    remy = staff["remy"]
    assert client.get("/tables/people/user/add/").status_code == 403
    assert client.post(f"/tables/people/user/{remy.pk}/delete/", {"post": "yes"}).status_code == 403
    changed = client.post(f"/tables/people/user/{remy.pk}/change/", {"name": "Somebody"})
    assert changed.status_code == 403
    remy.refresh_from_db()
    assert remy.name == "Remy Park"
    shown = client.get(f"/tables/people/user/{remy.pk}/change/").content.decode()
    assert remy.password not in shown


def test_secrets_are_not_even_looked_at(staff):
    factories.pandadoc()
    client = Client()
    client.force_login(staff["ada"])
    shown = client.get("/tables/connectors/secret/").content.decode()
    assert "Signing secret" in shown or "signing" in shown
    assert factories.SHARED_KEY not in shown
    assert json.dumps("sealed") not in shown
