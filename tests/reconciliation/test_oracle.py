"""The comparison in the database against a naive one in Python, over small random sets."""

import random
import re
import unicodedata
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from connectors.minor import minor
from connectors.models import Connection
from meshline import instant
from meshline.policy.tolerance import EXACT, Near, Tolerance
from proposals.models import Proposal
from proposals.states import State
from reconciliation import comparing, sides, stages
from reconciliation.comparing import Asked, Place
from reconciliation.kinds import DEALS, As, Field
from reconciliation.models import Finding, Run
from tests.reconciliation import compared
from tests.reconciliation.compared import deal, linked, ours, snapshot

pytestmark = pytest.mark.django_db
TITLES = ["Relaunch", "relaunch ", " Re  launch", "Re launch", "", "Café", "Café", "[x]",
          '["a", "list"]']  # fmt: skip
AMOUNTS = ["100.00", "101.00", "104.99", "105.00", "95.00", "0.01", None]
CURRENCIES = ["EUR", "EUR", "EUR", "USD", "JPY"]
STAGES = ["contractsent", "qualifiedtobuy", "closedwon", "ClosedLost", "4711", "", None]
OWNERS = ["remy@example.com", "Remy@example.com ", "rosa@example.com", "gone@example.com", "", None]
TOLERANCES = [
    {}, {"amount": Tolerance(Near.PERCENT, Decimal(5))}, {"title": Tolerance(Near.SPACING)},
    {"amount": Tolerance(Near.PERCENT, Decimal("0.5")), "title": Tolerance(Near.SPACING)},
]  # fmt: skip


@pytest.fixture(autouse=True)
def systems(staff):
    compared.connected()


def some(dice):
    """Up to six proposals, and up to two deals for each of them and for nobody."""
    theirs, mine = [], []
    for place in range(dice.randint(0, 6)):
        id, state = f"doc-{place}", dice.choice(list(State)).value
        currency = dice.choice(CURRENCIES)
        amount = dice.choice(AMOUNTS)
        if currency == "JPY" and amount:
            amount = amount.split(".")[0]
        days = dice.choice([1, 1, 40])
        proposal = ours(
            id, title=dice.choice(TITLES), amount=amount, currency=currency, state=state,
            days_ago=days, owner=dice.choice(["remy@example.com", "rosa@example.com"]),
        )  # fmt: skip
        is_linked = dice.random() < 0.7
        if is_linked:
            linked(proposal, f"deal-{place}-0")
        mine.append((proposal, is_linked))
        for number in range(dice.choice([0, 1, 1, 1, 1, 2])):
            theirs.append(_deal(dice, f"deal-{place}-{number}", proposal))
    if dice.random() < 0.3:
        theirs.append(deal("deal-x", "nobody", days_ago=dice.choice([1, 50])))
    return mine, theirs


def _deal(dice, pk, proposal):
    said = {"title": proposal.title or proposal.external_id, "state": proposal.state,
            "amount": None if proposal.amount is None else str(proposal.amount.normalize()),
            "currency": proposal.currency, "owner_email": proposal.owner.email,
            "stage": compared.STAGES.get(proposal.state, "contractsent")}  # fmt: skip
    if said["amount"]:
        said["amount"] = f"{proposal.amount:.0f}" if said["currency"] == "JPY" else str(
            proposal.amount.quantize(Decimal("0.01"))
        )  # fmt: skip
    for name, others in (
        ("title", [*TITLES, ["a", "list"]]), ("state", ["sent", "", "won"]),
        ("amount", [*AMOUNTS, ["7"]]), ("currency", CURRENCIES), ("stage", STAGES),
        ("owner_email", OWNERS),
    ):  # fmt: skip
        if dice.random() < 0.3:
            said[name] = dice.choice(others)
    if said["currency"] == "JPY" and isinstance(said["amount"], str):
        said["amount"] = said["amount"].split(".")[0]
    return deal(pk, proposal.external_id, days_ago=dice.choice([0.5, 60]), **said)


def expected(mine, theirs, tolerances, *, since):
    """What there is to find, told one by one: (proposal or deal, sort, field)."""
    found = set()
    known = {f"pandadoc:{one.external_id}" for one, _ in mine}
    for proposal, is_linked in mine:
        proposal.refresh_from_db()
        if proposal.changed_at < since and proposal.state in ("closed-won", "closed-lost"):
            continue
        key = f"pandadoc:{proposal.external_id}"
        there = [row for row in theirs if row["fields"]["proposal"] == key]
        if not there and is_linked:
            found.add((proposal.pk, "missing-there", ""))
        elif len(there) > 1:
            found.add((proposal.pk, "duplicate", ""))
        elif there:
            (row,) = there
            changed = row["fields"]["changed_at"]
            sort = "stale" if changed < proposal.changed_at.isoformat() else "different"
            for field in ("title", "amount", "state", "stage", "owner_email"):
                if not _same(field, proposal, row, tolerances.get(field, EXACT)):
                    found.add((proposal.pk, sort, field))
    for row in theirs:
        if row["fields"]["proposal"] in known or row["fields"]["changed_at"] < since.isoformat():
            continue
        found.add((row["pk"], "missing-here", ""))
    return found


def _same(field, proposal, row, tolerance):
    if field == "amount":
        return _same_money(proposal, row, tolerance)
    if field == "stage":
        return _same_stage(proposal, row["fields"]["stage"])
    if field == "owner_email":
        named = (row["fields"]["owner_email"] or "").strip().lower()
        return named in ("", proposal.owner.email)
    theirs = row["fields"][field]
    if not isinstance(theirs, str | None):
        return False
    mine = proposal.state if field == "state" else proposal.title or proposal.external_id
    normal = _spaced if tolerance.near is Near.SPACING else _composed
    return normal(mine) == normal(theirs or "")


def _same_stage(proposal, stage):
    closed = {"closedwon": "closed-won", "closedlost": "closed-lost"}
    known = closed.get((stage or "").lower())
    if known is None and stage not in ("contractsent", "qualifiedtobuy"):
        return True
    return known == (proposal.state if proposal.state in closed.values() else None)


def _same_money(proposal, row, tolerance):
    raw, its_currency = row["amount"], row["currency"]
    theirs = minor(raw, its_currency)
    if proposal.amount is None or theirs is None:
        return proposal.amount is None and theirs is None and raw in (None, "")
    factor = {"JPY": 1}.get(proposal.currency, 100)
    mine = proposal.amount * factor
    if proposal.currency != its_currency:
        return False
    if tolerance.near is Near.PERCENT:
        return abs(mine - theirs) * 100 <= tolerance.by * abs(mine)
    return mine == theirs


def _composed(text):
    return unicodedata.normalize("NFC", text)


def _spaced(text):
    return re.sub(r"\s+", " ", _composed(text)).strip().lower()


def found_by_the_database(run, kept, tolerances, since):
    there = Connection.objects.get(slug="hubspot")
    asked = Asked(
        run=run.pk, kind=DEALS, connection=there.pk, slug="hubspot", snapshot=kept.pk,
        begun=kept.begun_at, since=since, tolerances=tolerances, stages=stages.of(there),
    )  # fmt: skip
    place = Place()
    while place is not None:
        _, place = comparing.compare_next(asked, place)
    rows = Finding.objects.filter(run=run).values_list("proposal", "external_id", "sort", "field")
    return {(proposal or pk, sort, field) for proposal, pk, sort, field in rows}


@pytest.mark.parametrize("seed", range(3))
def test_every_planted_difference_is_found_and_none_more(seed, monkeypatch):
    dice = random.Random(seed)
    there, numbers = Connection.objects.get(slug="hubspot"), []
    for _ in range(40):
        monkeypatch.setattr(comparing, "SIZE", dice.choice([1, 2, 20_000]))
        tolerances = dice.choice(TOLERANCES)
        mine, theirs = some(dice)
        kept = snapshot("hubspot", *theirs)
        since = instant.now() - timedelta(days=30)
        run = Run.objects.create(connection=there, kind="deals", asked_at=instant.now())
        found = found_by_the_database(run, kept, tolerances, since)
        assert found == expected(mine, theirs, tolerances, since=since)
        numbers.append(len(found))
        kept.delete()
        run.delete()
        Proposal.objects.all().delete()
        there.links.all().delete()
    # That nothing was found in silence because nothing was there.
    assert sum(numbers) > 60


# --- Days ------------------------------------------------------------------------------------
DAYS = Field("due_on", "due day", As.DATE, "x", "x")


def same_day(ours, theirs, days=0):
    tolerance = Tolerance(Near.DAYS, Decimal(days)) if days else EXACT
    made = sides.sides(DAYS, tolerance)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {made.is_same} FROM (SELECT %s AS o_due_on) o,"
            " (SELECT %s AS t_due_on, '{}'::jsonb AS fields) t",
            [ours, theirs],
        )
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "days", "same"),
    [
        ("2026-03-01", "2026-03-01T10:00:00Z", 0, True),
        ("2026-03-01", "2026-02-28", 0, False),
        ("2026-03-01", "2026-02-28", 1, True),
        ("2026-03-01", "2026-04-02", 31, False),
        ("2026-03-01", "2026-02-30", 31, False),
        ("2026-03-01", "soon", 31, False),
        ("", "", 0, True),
        ("2026-03-01", "", 31, False),
    ],
)
def test_days_are_compared_as_days(ours, theirs, days, same):
    assert same_day(ours, theirs, days) is same
