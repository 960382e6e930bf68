"""The judge: what is lost and what is doubled, counted at the stand-ins.

Nothing is asked of our tables. A document that was accepted has exactly one deal, in the state and
with the amount that was told last, and exactly the tasks that follow from its life, each once.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.faults.house import House
from tests.faults.processes import until
from tests.faults.sender import Document
from tests.faults.size import SIZE
from tests.faults.vendors import Vendors


@dataclass
class Verdict:
    """Sentences about single documents; two empty lists are the promise."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    # Titles that the chat does not show: each must have a ticket.
    unsaid: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lost = f"lost {len(self.lost)}: {self.lost[:5]}"
        return f"{lost}; doubled {len(self.doubled)}: {self.doubled[:5]}"


def verdict(vendors: Vendors, whom: Sequence[Document]) -> Verdict:
    """How it stands now. What is still under way counts as lost."""
    found = Verdict()
    deals, tasks = _by(vendors.deals(), "dealname"), _by(vendors.tasks(), "hs_task_subject")
    invoices = _by([one["metadata"] | one for one in vendors.invoices()], "meshline_proposal")
    said = [one["text"] for one in vendors.messages()]
    heard = _by([one["payload"]["data"] | one for one in vendors.heard()], "title")
    for one in whom:
        _judge_deal(one, deals[one.title], found)
        _judge_tasks(one, tasks, found)
        _judge_invoices(one, invoices[f"pandadoc:{one.id}"], found)
        _judge_words(one, said, heard[one.title], found)
    return found


def wait_until_done(
    house: House, whom: Sequence[Document], *, within: float = SIZE.patience
) -> None:
    """Return when nothing is missing at the stand-ins; fails with what is."""
    deadline = time.monotonic() + within
    while (seen := verdict(house.vendors, whom)).lost:
        assert time.monotonic() < deadline, f"After {within:.0f} s: {seen}\n{house.logs()}"
        time.sleep(5.0 if SIZE.is_long else 0.3)


def wait_until_quiet(house: House, *, within: float = SIZE.patience) -> None:
    """Return when no row is leased or due any more, and no call came for a while."""

    def is_quiet() -> bool:
        return not under_way(house)

    until(is_quiet, within=within, what="nothing is under way", every=0.5)


def under_way(house: House) -> int:
    """How many rows somebody has in hand, or would take in hand now."""
    with house.database() as session:
        row = session.execute(_UNDER_WAY).fetchone()
    assert row is not None
    return row[0]


_UNDER_WAY = """
SELECT (SELECT count(*) FROM connectors_message WHERE status = 'accepted')
     + (SELECT count(*) FROM proposals_outcome
        WHERE state IN ('due', 'leased', 'delivered') AND connection <> '')
"""


def judge(house: House, whom: Sequence[Document], *, within: float = SIZE.patience) -> Verdict:
    """Wait until all is done and quiet: nothing lost, nothing doubled.

    Whether the books hold is asked at the end of a run, in the long form after each test, too.
    """
    wait_until_done(house, whom, within=within)
    wait_until_quiet(house, within=within)
    final = verdict(house.vendors, whom)
    assert not final.lost, str(final)
    assert not final.doubled, str(final)
    # What the chat does not show, a person was told of.
    untold = [title for title in final.unsaid if not house.tickets_about(title)]
    assert not untold, untold[:5]
    if SIZE.is_long:
        check_books(house)
    return final


def check_books(house: House) -> None:
    """The trail's chain, and all that must be so at any instant, by the house's own commands."""
    house.manage("verify_trail")
    house.manage("check_invariants")


def _judge_deal(one: Document, deals: list[dict[str, Any]], found: Verdict) -> None:
    if not deals:
        found.lost.append(f"{one.title} has no deal")
        return
    if len(deals) > 1:
        found.doubled.append(f"{one.title} has {len(deals)} deals")
    deal = deals[0]
    if deal.get("meshline_state") != one.ends:
        found.lost.append(f"{one.title} is {deal.get('meshline_state')}, not {one.ends}")
    if Decimal(deal.get("amount") or 0) != Decimal(one.amount):
        found.lost.append(f"{one.title} is over {deal.get('amount')}, not {one.amount}")


def _judge_tasks(one: Document, tasks: dict[str, list[dict[str, Any]]], found: Verdict) -> None:
    follow_up = tasks[f"Follow up: {one.title}"]
    onboarding = tasks[f"Start onboarding: {one.title}"]
    wanted = int(one.is_signed)
    if len(onboarding) < wanted:
        found.lost.append(f"{one.title} has no onboarding task")
    # A life that has moved on before anybody looked never asks for a follow-up.
    if one.ends in ("sent", "viewed") and not follow_up:
        found.lost.append(f"{one.title} has no follow-up")
    if one.ends in ("invoiced", "disputed"):
        still = [task for task in follow_up if task.get("hs_task_status") != "COMPLETED"]
        found.lost += [f"{one.title}: its follow-up is still open" for _ in still]
    if len(onboarding) > wanted:
        found.doubled.append(f"{one.title} has {len(onboarding)} onboarding tasks")
    if len(follow_up) > 1:
        found.doubled.append(f"{one.title} has {len(follow_up)} follow-ups")


def _judge_invoices(one: Document, invoices: list[dict[str, Any]], found: Verdict) -> None:
    """Nobody is billed twice, nor another amount."""
    if len(invoices) < one.is_signed:
        found.lost.append(f"{one.title} is not invoiced")
    if len(invoices) > one.is_signed:
        found.doubled.append(f"{one.title} is invoiced {len(invoices)} times")
    for invoice in invoices:
        if invoice["status"] != "open":
            found.lost.append(f"{one.title}: its invoice is {invoice['status']}")
        elif Decimal(invoice["total"]) / 100 != Decimal(one.amount):
            found.doubled.append(f"{one.title} is invoiced over {invoice['total']}")


def _judge_words(
    one: Document, said: list[str], heard: list[dict[str, Any]], found: Verdict
) -> None:
    """The chat has no key for repeats: what is missing there has a ticket, nothing is twice."""
    posts = sum(f"signed {one.title} over" in text for text in said)
    if posts > one.is_signed:
        found.doubled.append(f"{one.title} stands in the chat {posts} times")
    if not posts and one.is_signed:
        found.unsaid.append(one.title)
    told = Counter(message["payload"]["type"] for message in heard)
    for kind in ("proposal.signed", "proposal.invoiced") if one.is_signed else ():
        if not told[kind]:
            found.lost.append(f"{one.title}: nobody heard {kind}")
    found.doubled += [f"{one.title} was told {kind} twice" for kind, n in told.items() if n > 1]


def _by(found: list[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in found:
        grouped[one.get(name, "")].append(one)
    return grouped
