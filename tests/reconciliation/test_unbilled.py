"""Signed against invoiced: which are found, in which order, by whom they are seen."""

import copy
import itertools
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from exceptions import troubles
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.policy import calendars
from meshline.policy.business_time import days_between
from meshline.policy.models import BusinessCalendar
from proposals.models import Outcome, Proposal
from reconciliation import lacking, sized_paging, unbilled, unbilled_books
from reconciliation.lacking import Lack
from reconciliation.models.unbilled import Unbilled
from tests import factories
from tests.factories import MONDAY
from tests.reading import signed_in
from tests.reconciliation.billed import as_billed, connected, invoiced, sign, tell

pytestmark = pytest.mark.django_db
PAGE = "/reconciliation/signed-against-invoiced/"
ALL = f"{PAGE}?range=all"


@pytest.fixture(autouse=True)
def monday():
    with instant.stopped(MONDAY + timedelta(minutes=10)):
        yield


@pytest.fixture
def company(staff):
    connected()
    return staff


def page(user, address=PAGE, **headers):
    return signed_in(user).get(address, headers=headers)


def lacks():
    return {row.pk: row.lacks for row in unbilled.rows()}


def made(state, **changes):
    extra = {"proven_at": MONDAY} if state == "proven" else {}
    if state == "leased":
        extra = {"lease_owner": "00000000-0000-0000-0000-000000000001", "lease_until": MONDAY}
    rows = Outcome.objects.filter(kind="invoice.create")
    assert rows.update(state=state, **extra, **changes)


# --- Which are found -------------------------------------------------------------------------
def test_what_is_signed_and_not_invoiced_is_found_and_what_is_invoiced_is_not(company):
    proposal = sign()
    tell("sent", "doc-2")
    [row] = unbilled.rows()
    assert (row.pk, row.lacks, row.open_amount) == (proposal.pk, "carried", Decimal("1234.50"))
    assert row.signed_at == MONDAY + timedelta(minutes=5)
    invoiced(proposal, ("in_1", "open", "1234.50", "EUR"))
    assert lacks() == {}


def test_the_database_says_what_the_rule_says_in_every_way_a_row_may_stand(company):
    """Each state, invoice and outcome with each other: one row, asked of both."""
    kinds = itertools.product(STATES, INVOICES, OUTCOMES)
    ways = {f"way-{number}": kind for number, kind in enumerate(kinds)}
    one, outcome = sign(), Outcome.objects.get(kind="invoice.create")
    one.pk = outcome.pk = None
    proposals = [_as(one, name, state, told) for name, (state, told, _) in ways.items()]
    Proposal.objects.bulk_create(proposals)
    carried = ((proposal, *ways[proposal.external_id][2]) for proposal in proposals)
    Outcome.objects.bulk_create([_carried(outcome, *said) for said in carried if said[1]])
    found = {row.external_id: (row.lacks, row.open_amount) for row in unbilled.rows()}
    wrong = []
    for proposal in proposals:
        facts = _facts(proposal, *ways[proposal.external_id][2])
        lack = lacking.of(facts)
        expected = (lack.value, lacking.still_open(facts)) if lack else None
        if found.get(proposal.external_id) != expected:
            wrong.append((ways[proposal.external_id], found.get(proposal.external_id), expected))
    assert wrong == []


STATES = ["draft", "viewed", "signed", "disputed", "invoiced", "closed-won", "closed-lost"]
INVOICES = [
    (), (("in_1", "draft", "1234.50", "EUR"),), (("in_1", "void", "1234.50", "EUR"),),
    (("in_1", "open", "1234.50", "EUR"),), (("in_1", "paid", "1000", "EUR"),),
    (("in_1", "open", "2000", "EUR"),), (("in_1", "open", "1234.50", "USD"),),
    (("in_1", "open", "600", "EUR"), ("in_2", "open", "634.50", "USD")),
    (("in_1", "open", "600", "EUR"), ("in_2", "open", "634.50", "EUR")),
]  # fmt: skip
OUTCOMES = [
    ("due", False), ("held", False), ("held", True), ("leased", True), ("given_up", False),
    ("cancelled", False), ("delivered", False), ("proven", False), ("", False),
]  # fmt: skip


def _as(one, name, state, told):
    """Another proposal like this one, in that state, with these invoices."""
    made = as_billed(copy.copy(one), *told, state=state)
    made._state = copy.copy(one._state)
    made.external_id = name
    return made


def _carried(outcome, proposal, state, on_hold):
    made = copy.copy(outcome)
    made._state = copy.copy(outcome._state)
    made.proposal, made.key, made.state, made.on_hold = proposal, f"k/{proposal.pk}", state, on_hold
    made.proven_at, made.lease_until, made.lease_owner = MONDAY, MONDAY, uuid.UUID(int=1)
    return made


def _facts(proposal, outcome, on_hold):
    return lacking.Facts(
        state=proposal.state, amount=proposal.amount, currency=proposal.currency,
        invoice=proposal.invoice_id, invoice_status=proposal.invoice_status,
        invoiced=proposal.invoiced, invoiced_currency=proposal.invoiced_currency,
        made=outcome, on_hold=on_hold,
    )  # fmt: skip


def test_the_newest_outcome_counts_and_its_ticket_is_named(company):
    proposal = sign()
    made("given_up")
    ticket = _ticket_on(Outcome.objects.get(kind="invoice.create"))
    row = unbilled.one(proposal.pk)
    assert (row.lacks, row.ticket) == ("given-up", ticket.pk)
    assert lacking.words(unbilled.facts_of(row)).endswith(f"ticket #{ticket.pk}.")


def _ticket_on(outcome):
    return troubles.open_ticket(
        troubles.Trouble(
            kind="delivery-failed", cause="x", title="x", reason="x", subject=outcome.ref,
            evidence={"x": 1},
        ),
        by=factories.SETUP, at=instant.now(),
    )  # fmt: skip


def test_among_all_that_is_won_an_index_finds_what_is_not_invoiced(company):
    won, told = sign(), ("in_1", "paid", "1234.50", "EUR")
    won.pk = None
    Proposal.objects.bulk_create(
        [_as(won, f"won-{number}", "closed-won", [told]) for number in range(3000)]
    )
    plan = unbilled.rows().order_by().explain()
    assert "proposals_unbilled" in plan
    # Alone: no arm of the question walks through all that is won.
    assert "proposals_state" not in plan
    assert "Seq Scan on proposals_proposal" not in plan


def test_what_was_signed_long_ago_is_not_of_the_week(company):
    sign()
    with instant.stopped(MONDAY + timedelta(days=8)):
        assert list(unbilled.of_the_week(unbilled.rows(), at=instant.now())) == []
        assert "Everything signed in these seven days" in page(company["olivia"]).content.decode()
        assert "Website relaunch" in page(company["olivia"], ALL).content.decode()


def test_when_it_was_signed_is_known_after_it_moved_on(company):
    proposal = invoiced(sign(), ("in_1", "void", "1234.50", "EUR"))
    Proposal.objects.filter(pk=proposal.pk).update(since=MONDAY + timedelta(days=3))
    assert unbilled.one(proposal.pk).signed_at == MONDAY + timedelta(minutes=5)


def test_working_days_leave_out_weekends_and_days_off(company):
    hours = calendars.hours(BusinessCalendar.objects.get(is_default=True))
    friday = MONDAY + timedelta(days=4)
    assert days_between(MONDAY, MONDAY, hours) == 0
    assert days_between(MONDAY, friday, hours) == 4
    assert days_between(friday, friday + timedelta(days=3), hours) == 1
    assert days_between(friday, MONDAY, hours) == 0


# --- The page --------------------------------------------------------------------------------
def several(count=4):
    for number in range(count):
        sign(f"doc-{number}", amount=f"{100 * (number + 1)}.00", name=f"Deal {number}")
    sign("doc-chf", amount="1.00", currency="CHF", name="Alpine")


def test_in_each_currency_the_largest_comes_first_and_pages_go_on_where_they_ended(
    company, monkeypatch
):
    several()
    monkeypatch.setattr(sized_paging, "SIZE", 2)
    first = page(company["olivia"])
    assert titles(first) == ["Alpine", "Deal 3"]
    second = page(company["olivia"], PAGE + first.context["page"].older_url)
    assert titles(second) == ["Deal 2", "Deal 1"]
    third = page(company["olivia"], PAGE + second.context["page"].older_url)
    assert (titles(third), third.context["page"].older_url) == (["Deal 0"], "")
    back = page(company["olivia"], PAGE + third.context["page"].newer_url)
    assert titles(back) == ["Deal 2", "Deal 1"]
    assert titles(page(company["olivia"], f"{PAGE}?before=EUR~nan~1")) == ["Alpine", "Deal 3"]


def titles(answer):
    return [one.row.title for one in answer.context["rows"]]


def test_sums_are_told_by_currency_and_never_added_up(company):
    several()
    body = page(company["olivia"]).content.decode()
    assert "5 proposals, open:" in body
    assert "<strong>1,000.00 EUR</strong> on 4" in body
    assert "<strong>1.00 CHF</strong> on 1" in body


def test_the_filter_is_in_the_url(company):
    several()
    for words, expected in [
        ("q=alpine", ["Alpine"]),
        ("lack=carried&q=deal", ["Deal 3", "Deal 2", "Deal 1", "Deal 0"]),
        ("lack=void", []),
        (f"owner={company['remy'].pk}&q=alpine", ["Alpine"]),
        (f"team={company['olivia'].team_id}", []),
        ("source=pandadoc&q=alpine", ["Alpine"]),
    ]:
        assert titles(page(company["olivia"], f"{PAGE}?{words}")) == expected, words


def test_the_page_asks_as_often_for_many_as_for_one(company):
    client = Client()
    client.force_login(company["olivia"])
    sign("doc-first")
    client.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    several()
    with CaptureQueriesContext(connection) as many:
        client.get(PAGE)
    assert len(many) == len(few) <= 16


def test_others_see_what_is_theirs_and_masked_what_is_masked(company):
    several()
    Proposal.objects.filter(title="Deal 1").update(owner=company["olivia"])
    assert "Deal 1" not in titles(page(company["sam"]))
    assert len(titles(page(company["sam"]))) == 4
    for who in ("vera", "ada"):
        body = page(company[who]).content.decode()
        assert "••• EUR" in body
        assert "400.00" not in body
        # An order by amounts would tell them all the same.
        assert titles(page(company[who])) == ["Alpine", "Deal 0", "Deal 1", "Deal 2", "Deal 3"]
    assert page(company["remy"]).status_code == 403


def test_the_file_holds_exactly_the_filtered_rows(company):
    several()
    client = Client()
    client.force_login(company["rosa"])
    answer = client.post(f"{PAGE}export/?q=deal")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 5
    assert "Deal 3" in lines[1]
    assert "carried" in lines[1]
    line = TrailLine.objects.get(what="signed-against-invoiced.exported")
    assert line.after["rows"] == 4
    client.force_login(company["olivia"])
    own = b"".join(client.post(f"{PAGE}export/").streaming_content).decode().splitlines()
    assert len(own) == 1
    assert client.post(f"{PAGE}export/?lack=nonsense").status_code == 303


def test_the_queues_header_says_what_is_signed_and_not_invoiced(company):
    part = f"{PAGE}in-the-queue/"
    assert "everything signed is invoiced" in page(company["olivia"], part).content.decode()
    several()
    body = page(company["olivia"], part).content.decode()
    said = " ".join(strip_tags(body).split())
    assert said == "Signed, not invoiced 1,000.00 EUR and 1.00 CHF on 5 proposals"
    queue = page(company["olivia"], "/queue/").content.decode()
    assert f'hx-get="{part}"' in queue
    assert "every 60s" in queue


# --- The books and the loop ------------------------------------------------------------------
def keep(**span):
    with instant.stopped(MONDAY + timedelta(**span)):
        unbilled_books.keep(at=instant.now())


def test_the_books_say_since_when_and_who_settled_it(company):
    proposal = sign()
    keep(minutes=11)
    keep(minutes=12)
    one = Unbilled.objects.get()
    assert (one.opened_at, one.lack, one.amount) == (
        MONDAY + timedelta(minutes=5), "carried", Decimal("1234.50"),
    )  # fmt: skip
    made("given_up")
    keep(minutes=13)
    one.refresh_from_db()
    assert (one.lack, one.settled_at) == ("given-up", None)
    invoiced(proposal, ("in_1", "open", "1234.50", "EUR"))
    keep(minutes=20)
    one.refresh_from_db()
    assert one.settled_at == MONDAY + timedelta(minutes=20)
    assert (one.settled_how, one.settled_by) == ("invoice in_1 is open", "PandaDoc")


def test_what_lacks_again_is_another_line_of_the_books(company):
    proposal = sign()
    keep(minutes=11)
    invoiced(proposal, ("in_1", "open", "1234.50", "EUR"))
    keep(minutes=12)
    invoiced(proposal, ("in_1", "void", "1234.50", "EUR"))
    keep(minutes=13)
    assert [one.lack for one in Unbilled.objects.order_by("pk")] == ["carried", "void"]


def test_what_is_disputed_or_lost_waits_for_no_invoice(company):
    proposal = sign()
    keep(minutes=11)
    invoiced(proposal, state="disputed")
    keep(minutes=12)
    assert Unbilled.objects.get().settled_how == "It is disputed, and waits for no invoice."


def test_the_loop_shows_how_far_a_week_has_come(company, django_assert_max_num_queries):
    several(2)
    keep(minutes=11)
    invoiced(Proposal.objects.get(title="Deal 0"), ("in_1", "open", "100.00", "EUR"))
    keep(days=1)
    with instant.stopped(MONDAY + timedelta(days=2)):
        client = Client()
        client.force_login(company["olivia"])
        with django_assert_max_num_queries(24):
            answer = client.get(f"{PAGE}loop/")
        body = " ".join(answer.content.decode().split())
    assert "1 of 3" in body
    assert "33 %" in body
    assert "200.00 EUR" in body
    assert "invoice in_1 is open" in body
    assert titles(answer) == ["Alpine", "Deal 1"]
    bars = [point.open.count for point, _ in answer.context["loop"].bars]
    assert (bars[0], max(bars), bars[-1]) == (0, 3, 2)


def test_an_empty_loop_says_that_nothing_was_open(company):
    body = page(company["olivia"], f"{PAGE}loop/").content.decode()
    assert "Nothing was open in these seven days" in body


def test_every_word_of_what_is_missing_is_one_the_books_can_keep():
    longest = Unbilled._meta.get_field("lack").max_length
    assert all(len(one.value) <= longest for one in Lack)
