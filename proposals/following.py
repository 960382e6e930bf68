"""Which follow-ups must stand, given what the story asks for and what there was: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from proposals.contracts.catalogue import CREATE_TASK
from proposals.contracts.promises import ContractSpec, Wanted
from proposals.states import CLOSED, State

WITHIN = "due_within"


@dataclass(frozen=True)
class Asked:
    """One follow-up that the story asks for, in the stretch that these events make."""

    kind: str
    slug: str
    contract_id: int
    events: tuple[int, ...]
    since: datetime | None
    minutes: int


@dataclass(frozen=True)
class Known:
    """A follow-up that there was before, as far as matching needs to know it."""

    id: int
    kind: str
    slug: str
    signal_id: int | None
    is_open: bool
    is_completed: bool


@dataclass
class Plan:
    """What to do so that exactly those stand that are asked for and not done."""

    create: list[Asked] = field(default_factory=list)
    keep: list[tuple[int, Asked]] = field(default_factory=list)
    reopen: list[tuple[int, Asked]] = field(default_factory=list)
    cancel: list[int] = field(default_factory=list)


def slas(contracts: Iterable[ContractSpec]) -> dict[tuple[str, str], int]:
    """In how many business minutes each kind of follow-up is due, by what is in force now."""
    return {
        (contract.slug, spec.name): int(spec.params[WITHIN])
        for contract in contracts
        if contract.until is None
        for spec in contract.outcomes
        if spec.params.get(WITHIN)
    }


def asked(
    required: Iterable[Wanted], state: State, now: Mapping[tuple[str, str], int]
) -> list[Asked]:
    """Of everything that must stand the follow-ups, of each kind the last; what is closed has none.

    An SLA that was changed since (`now`) counts for what is under way, too.
    """
    if state in CLOSED:
        return []
    last: dict[str, Asked] = {}
    for want in required:
        minutes = want.spec.params.get(WITHIN)
        if want.spec.kind == CREATE_TASK and minutes:
            slug, kind = want.contract.slug, want.spec.name
            last[kind] = Asked(
                kind, slug, want.contract.id, want.episode.events, want.episode.since,
                now.get((slug, kind), int(minutes)),
            )  # fmt: skip
    return list(last.values())


def plan(wants: Iterable[Asked], known: Iterable[Known]) -> Plan:
    """Compare what is asked for with what there was.

    A follow-up belongs to the stretch that holds its event, so that an event that comes late and
    turns out to be the first of its stretch asks for no second one. What was completed is done.
    """
    result, known, kept = Plan(), list(known), set()
    for want in wants:
        mine = [one for one in known if _is_of(one, want)]
        open_one = next((one for one in mine if one.is_open), None)
        if any(one.is_completed for one in mine):
            continue
        if open_one is not None:
            kept.add(open_one.id)
            result.keep.append((open_one.id, want))
        elif mine:
            result.reopen.append((mine[-1].id, want))
        else:
            result.create.append(want)
    result.cancel = [one.id for one in known if one.is_open and one.id not in kept]
    return result


def _is_of(one: Known, want: Asked) -> bool:
    return (one.slug, one.kind) == (want.slug, want.kind) and one.signal_id in want.events
