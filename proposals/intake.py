"""The one door into the core: signals come in, in batches, each exactly once."""

from datetime import datetime

from django.db import transaction

from meshline import bell, bulk
from proposals import authority, holds, retelling
from proposals.authority import Authorities
from proposals.contracts import promising, versions
from proposals.fields import OWNER
from proposals.models import Proposal, Signal
from proposals.models.proposal import record_of
from proposals.routing.assigning import Router
from proposals.signals import Incoming, Receipted
from proposals.states import State

# Its source, its id there, and whether it is synthetic: no real event reaches one that is.
Document = tuple[str, str, bool]


def receive(incoming: Incoming, *, at: datetime) -> Receipted:
    """Take one signal in. The same origin again changes nothing and answers the same."""
    return receive_all([incoming], at=at)[0]


@transaction.atomic
def receive_all(batch: list[Incoming], *, at: datetime) -> list[Receipted]:
    """Take a batch in, set-based, in one transaction: signals, states, owners, outcomes, trail.

    Proposals are locked in one order, so that two batches never wait for each other in a ring.
    """
    authority.steady()
    origins = [incoming.origin for incoming in batch]
    known = {one.origin: one for one in Signal.everything.filter(origin__in=origins)}
    fresh = [incoming for incoming in _first_of_each(batch) if incoming.origin not in known]
    if fresh:
        authorities = authority.load()
        router = Router(map(_owner_named, fresh), at=at)
        proposals = _proposals(fresh, router, at)
        signals = _keep(fresh, proposals, authorities)
        stories = retelling.retell(
            list(proposals.values()), signals, fresh, router, authorities, at=at
        )
        holds.judge([one for one in stories if not one.proposal.is_synthetic], at=at)
        promising.promise(stories, at=at)
        known |= {signal.origin: signal for signal in signals}
        bell.ring("outbox")
    return [_receipted(known[incoming.origin]) for incoming in batch]


def _first_of_each(batch: list[Incoming]) -> list[Incoming]:
    return list({incoming.origin: incoming for incoming in reversed(batch)}.values())[::-1]


def _document(incoming: Incoming) -> Document:
    return incoming.record_source, incoming.external_id, incoming.is_synthetic


def _owner_named(incoming: Incoming) -> str:
    return incoming.fields.get(OWNER, "")


def _proposals(fresh: list[Incoming], router: Router, at: datetime) -> dict[Document, Proposal]:
    """The proposals these signals are about, made where they are new, locked in one order."""
    documents = {_document(incoming) for incoming in fresh}
    found = _locked(documents)
    if missing := sorted(documents - set(found)):
        named = {_document(incoming): _owner_named(incoming) for incoming in fresh}
        Proposal.everything.bulk_create(
            [_new_proposal(document, named[document], router, at) for document in missing],
            ignore_conflicts=True,
        )
        found = _locked(documents)
    return found


def _locked(documents: set[Document]) -> dict[Document, Proposal]:
    rows = (
        Proposal.everything.select_for_update(no_key=True, of=("self",))
        .select_related("owner__team", "stands_in_for")
        .filter(
            source__in={source for source, _, _ in documents},
            external_id__in={external_id for _, external_id, _ in documents},
        )
        .order_by("pk")
    )
    found = {(row.source, row.external_id, row.is_synthetic): row for row in rows}
    return {document: found[document] for document in documents & set(found)}


def _new_proposal(document: Document, named: str, router: Router, at: datetime) -> Proposal:
    """A blank row with an owner for the moment; the story told next fills it in."""
    source, external_id, is_synthetic = document
    owner, stands_in_for = router.for_now(named)
    return Proposal(
        source=source, external_id=external_id, state=State.DRAFT, owner=owner, owner_why="",
        stands_in_for=stands_in_for, created_at=at, changed_at=at, is_synthetic=is_synthetic,
    )  # fmt: skip


def _keep(
    fresh: list[Incoming], proposals: dict[Document, Proposal], authorities: Authorities
) -> list[Signal]:
    """Write the signals down, each with the verdict on whether its sender may say so."""
    under = versions.newest()
    kept = [_signal(i, proposals[_document(i)], authorities, under) for i in fresh]
    bulk.insert(kept)
    return kept


def _signal(
    incoming: Incoming, proposal: Proposal, authorities: Authorities, under: int | None
) -> Signal:
    refusal, target = "", _target(incoming, proposal, authorities)
    if target and not incoming.forced:
        refusal = authorities.refusal(target, source=proposal.source, sender=incoming.source)
    if refusal and target == proposal.state:
        # A repeat of what is so already, such as the echo of what we wrote there ourselves.
        refusal, target = "", None
    return Signal(
        origin=incoming.origin,
        kind=incoming.kind,
        source=incoming.source,
        tier=incoming.tier,
        external_id=incoming.external_id,
        occurred_at=incoming.occurred_at,
        received_at=incoming.received_at,
        stage=incoming.stage,
        tiebreak=incoming.tiebreak,
        target=target or "",
        piece=incoming.piece,
        fields=incoming.fields,
        forced=incoming.forced,
        result=Signal.Result.REFUSED if refusal else Signal.Result.NOTED,
        why=refusal[:300],
        proposal=proposal,
        under=under if incoming.under is None else incoming.under,
        is_synthetic=incoming.is_synthetic,
    )


def _target(incoming: Incoming, proposal: Proposal, authorities: Authorities) -> State | None:
    """The state it says: the farther one where its sender is the authority for that."""
    closes = incoming.closes
    if closes and authorities.of(closes, source=proposal.source) == incoming.source:
        return closes
    return incoming.target


def _receipted(signal: Signal) -> Receipted:
    record = record_of(signal.proposal_id, is_synthetic=signal.is_synthetic)
    return Receipted(signal.pk, record, signal.result, signal.why)
