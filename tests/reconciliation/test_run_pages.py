"""The pages of reconciliation: runs, one run, the differences and one of them."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from connectors.models import Connection, Sync
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.people.permissions import Permission, refusal_for
from proposals.models import Proposal
from reconciliation import many, run_showing, runs, seeing_through
from reconciliation.many import Asks, Wanted
from reconciliation.models import Divergence, Run
from tests.reconciliation import compared
from tests.reconciliation.compared import deal, drain, invoice, linked, ours, reconcile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def systems(staff):
    compared.connected()


def planted(number):
    """So many proposals, each with another amount over there, found by a run."""
    rows = []
    for place in range(number):
        linked(ours(f"doc-{place}", title=f"Proposal {place}"), f"{place}")
        rows.append(deal(f"{place}", f"doc-{place}", amount="1.00", title=f"Proposal {place}"))
    return reconcile("hubspot", *rows)


def page(client, user, name, *args, **query):
    client.force_login(user)
    answer = client.get(reverse(f"reconciliation:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def post(client, user, name, *args, **given):
    client.force_login(user)
    return client.post(reverse(f"reconciliation:{name}", args=args), given)


def test_the_runs_page_says_what_is_open_and_how_the_last_days_were(client, staff):
    planted(3)
    text = page(client, staff["olivia"], "runs")
    assert "3 high" in text
    assert "3,700.50 EUR" in text
    assert "Last 30 days" in text
    assert "3,700.50 EUR" not in page(client, staff["vera"], "runs")


def test_days_without_a_difference_are_no_empty_chart(client, staff):
    reconcile("hubspot")
    text = page(client, staff["olivia"], "runs")
    assert "No difference was found in these days." in text
    assert "days-chart" not in text
    planted(1)
    assert "days-chart" in page(client, staff["olivia"], "runs")


def test_a_number_leads_to_exactly_its_rows(client, staff):
    run = planted(2)
    again = reconcile("hubspot", deal("0", "doc-0", title="Proposal 0"))
    assert again.counts == {"missing-there": 1}
    address = f"?run={run.pk}&amp;sort=different"
    assert address in page(client, staff["olivia"], "run", run.pk)
    listed = page(client, staff["olivia"], "divergences", run=run.pk, sort="different")
    assert "2 differences" in listed
    assert "1 difference<" in page(client, staff["olivia"], "divergences", run=again.pk)


def test_a_run_is_started_and_cancelled_in_the_browser(client, staff):
    answer = post(client, staff["olivia"], "start-run", "hubspot")
    run = Run.objects.get()
    assert answer.headers["Location"] == reverse("reconciliation:run", args=[run.pk])
    assert "hx-trigger" in page(client, staff["olivia"], "run", run.pk)
    post(client, staff["olivia"], "cancel-run", run.pk)
    run.refresh_from_db()
    assert (run.state, run.ended_by) == ("cancelled", "Olivia Ortiz")
    Connection.objects.update(status="paused")
    post(client, staff["olivia"], "start-run", "hubspot")
    assert Run.objects.count() == 1


def test_the_last_good_comparison_stands_beside_one_that_says_nothing(client, staff):
    planted(1)
    good = Run.objects.get()
    (run,) = runs.ask(slug="hubspot", by=staff["olivia"], at=instant.now())
    runs.cancel(run_id=run.pk, by=staff["olivia"], at=instant.now())
    text = page(client, staff["olivia"], "runs")
    beside = text.split("last done")[1]
    assert beside.index(reverse("reconciliation:run", args=[good.pk])) < 40


def test_a_run_that_waits_says_why_and_until_when(client, staff):
    (run,) = runs.ask(slug="hubspot", by=staff["olivia"], at=instant.now())
    drain()
    assert "Next try" not in page(client, staff["olivia"], "run", run.pk)
    soon = instant.now() + timedelta(minutes=4)
    Sync.objects.update(error="HubSpot answered 503.", next_attempt_at=soon)
    text = page(client, staff["olivia"], "run", run.pk)
    assert "HubSpot answered 503." in text
    assert "Next try" in text
    Connection.objects.filter(slug="hubspot").update(
        breaker="open", breaker_opened_at=instant.now(), next_probe_at=soon
    )
    text = page(client, staff["olivia"], "run", run.pk)
    assert "HubSpot does not answer; it is asked every 30 s. HubSpot answered 503." in text
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why="Migrating.")
    assert "HubSpot is paused: Migrating." in page(client, staff["olivia"], "run", run.pk)


def _why(run, user):
    return run_showing.waits([run], user, at=instant.now())[run.pk]


def test_the_list_says_why_a_run_waits_and_until_when(client, staff):
    olivia = staff["olivia"]
    (run,) = runs.ask(slug="hubspot", by=olivia, at=instant.now())
    assert "No worker took it up yet." in page(client, olivia, "runs")
    assert "It waits for" in page(client, olivia, "runs")
    drain()
    run.refresh_from_db()
    assert "No worker took it up yet." in page(client, olivia, "runs")
    soon = instant.now() + timedelta(minutes=4)
    Sync.objects.update(error="HubSpot answered 503.", next_attempt_at=soon)
    text = page(client, olivia, "runs")
    assert "HubSpot answered 503." in text
    assert "Next try" in text
    assert _why(run, olivia).until == soon
    Connection.objects.filter(slug="hubspot").update(
        breaker="open", breaker_opened_at=instant.now(), next_probe_at=soon
    )
    assert "HubSpot does not answer; it is asked every 30 s." in page(client, olivia, "runs")
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why="Migrating.")
    assert "HubSpot is paused: Migrating." in page(client, olivia, "runs")
    # Once it goes on it waits for nothing.
    Run.objects.update(state="comparing")
    assert "Migrating." not in page(client, olivia, "runs")


def test_a_run_that_is_read_after_others_says_after_which(client, staff):
    olivia, at = staff["olivia"], instant.now()
    (run,) = runs.ask(slug="hubspot", by=olivia, at=at)
    drain()
    run.refresh_from_db()
    there = run.connection
    asked = {"mode": "backfill", "until": at, "state": "running", "started_at": at, "asked_at": at}
    leased = {"lease_until": at + timedelta(minutes=1), "lease_owner": uuid4()}
    other = Sync.objects.create(
        connection=Connection.objects.get(slug="pandadoc"), kind="documents", **asked, **leased
    )
    said = "A page of the documents of PandaDoc is read first; one is read at a time."
    assert said in page(client, olivia, "runs")
    other.delete()
    Sync.objects.create(connection=there, kind=run.kind, **asked)
    said = "It goes on after another look through the deals of HubSpot."
    assert said in page(client, olivia, "runs")
    assert said in page(client, olivia, "run", run.pk)
    assert _why(run, olivia).since == Sync.objects.get(pk=run.sync_id).asked_at


def test_a_run_says_how_much_is_apart(client, staff):
    planted(3)
    text = page(client, staff["olivia"], "run", Run.objects.get().pk)
    said = " ".join(text.split())
    assert "3 differences on 3 records, 100.00 %, 3,700.50 EUR" in said


def test_a_run_that_asks_is_answered_by_a_manager(client, staff):
    for place in range(4):
        linked(ours(f"doc-{place}"), f"{place}")
    run = reconcile("hubspot")
    assert "They are really gone" in page(client, staff["rosa"], "run", run.pk)
    assert post(client, staff["olivia"], "confirm-run", run.pk, reason="So.").status_code == 403
    post(client, staff["rosa"], "confirm-run", run.pk, reason="Cleaned up.")
    assert Divergence.objects.filter(sort="missing-there").count() == 4


def test_before_a_run_was_over_nobody_says_that_nothing_differs(client, staff):
    for narrowed in ({}, {"severity": "high"}):
        text = page(client, staff["olivia"], "divergences", **narrowed)
        assert "Nothing was compared yet" in text
        assert "Nothing differs" not in text
        assert "No difference matches" not in text
        assert f'action="{reverse("reconciliation:start-run", args=["hubspot"])}"' in text
    # Who may not start one reads why.
    text = page(client, staff["vera"], "divergences")
    assert "Nothing was compared yet" in text
    assert reverse("reconciliation:start-run", args=["hubspot"]) not in text
    assert refusal_for(staff["vera"], Permission.RUN_RECONCILIATION) in text
    (run,) = runs.ask(slug="hubspot", by=staff["olivia"], at=instant.now())
    text = page(client, staff["olivia"], "divergences")
    assert reverse("reconciliation:run", args=[run.pk]) in text
    assert reverse("reconciliation:start-run", args=["hubspot"]) not in text
    runs.cancel(run_id=run.pk, by=staff["olivia"], at=instant.now())
    assert "Nothing was compared yet" in page(client, staff["olivia"], "divergences")


def test_what_was_not_compared_yet_is_said_beside_that_nothing_differs(client, staff):
    reconcile("hubspot")
    text = page(client, staff["olivia"], "divergences")
    assert "Nothing differs" in text
    assert "HubSpot was not compared" not in text
    assert "PandaDoc was not compared to the end yet." in text


def test_where_nothing_holds_anything_there_is_nothing_to_compare_with(client, staff):
    Connection.objects.all().delete()
    assert "Nothing to compare with" in page(client, staff["olivia"], "divergences")


def test_the_list_narrows_by_its_url(client, staff):
    planted(2)
    listed = page(client, staff["olivia"], "divergences", q="Proposal 1", severity="high")
    assert "Proposal 1" in listed
    assert "Proposal 0" not in listed
    nothing = page(client, staff["olivia"], "divergences", state="gone")
    assert "No difference matches" in nothing


def test_the_list_asks_the_same_number_of_questions_for_many(
    client, staff, django_assert_max_num_queries
):
    planted(30)
    client.force_login(staff["olivia"])
    with django_assert_max_num_queries(22):
        client.get(reverse("reconciliation:divergences"))


def test_both_sides_stand_beside_each_other_with_who_wins_and_the_amounts(client, staff):
    planted(1)
    one = Divergence.objects.get()
    text = page(client, staff["olivia"], "divergence", one.pk)
    for said in (
        "1,234.50 EUR",
        "1.00 EUR",
        "1234.5000 EUR",
        "Nobody says",
        "Quoted",
        "Take theirs here",
    ):
        assert said in text
    masked = page(client, staff["vera"], "divergence", one.pk)
    assert "234.50" not in masked
    assert "1.00 EUR" not in masked


def test_each_invoice_that_adds_up_stands_there_with_its_amount_and_state(client, staff):
    ours(state="invoiced", invoice_status="open", invoiced="1234.50", invoiced_currency="EUR")
    reconcile(
        "stripe", invoice("in_1", amount="1000.00", state="paid"), invoice("in_2", amount="4.50"),
        invoice("in_3", amount="9.00", state="void"), invoice("in_4", "doc-2", amount="7.00"),
    )  # fmt: skip
    address = reverse("reconciliation:divergence", args=[Divergence.objects.first().pk])
    client.force_login(staff["olivia"])
    parts = client.get(address).context["parts"]
    assert [(one.name, one.amount, one.state, one.counts) for one in parts] == [
        ("in_1", "1,000.00 EUR", "paid", True), ("in_2", "4.50 EUR", "open", True),
        ("in_3", "9.00 EUR", "void", False),
    ]  # fmt: skip
    client.force_login(staff["ada"])
    assert {one.amount for one in client.get(address).context["parts"]} == {"•••"}


def test_a_team_sees_its_own_alone(client, staff):
    planted(1)
    one = Divergence.objects.get()
    assert "Proposal 0" in page(client, staff["sam"], "divergence", one.pk)
    Proposal.objects.update(owner=staff["olivia"])
    client.force_login(staff["sam"])
    address = reverse("reconciliation:divergence", args=[one.pk])
    assert client.get(address).status_code == 404


def test_taken_and_undone_in_the_browser(client, staff):
    planted(1)
    one = Divergence.objects.get()
    post(client, staff["olivia"], "take-side", one.pk, "theirs")
    assert str(Proposal.objects.get().amount) == "1.0000"
    post(client, staff["olivia"], "undo", one.pk)
    assert str(Proposal.objects.get().amount) == "1234.5000"
    one.refresh_from_db()
    assert one.state == "open"


def test_accepted_in_the_browser(client, staff):
    planted(1)
    one, day = Divergence.objects.get(), instant.now().date()
    too_far = (day + timedelta(days=400)).isoformat()
    answer = post(client, staff["rosa"], "accept", one.pk, reason="So.", until=too_far)
    assert Divergence.objects.get().state == "open"
    until = (day + timedelta(days=30)).isoformat()
    answer = post(client, staff["rosa"], "accept", one.pk, reason="Agreed.", until=until)
    assert answer.status_code == 303
    assert Divergence.objects.get().state == "accepted"
    assert "Agreed." in page(client, staff["rosa"], "divergence", one.pk)


def test_a_refused_accept_keeps_what_was_typed(client, staff):
    planted(1)
    one = Divergence.objects.get()
    past = (instant.now().date() - timedelta(days=3)).isoformat()
    answer = post(client, staff["rosa"], "accept", one.pk, reason="Agreed by phone.", until=past)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert text.index('<details class="ask" data-menu open>') < text.index("Agreed by phone.")
    assert (past in text, "Choose a day to come" in text) == (True, True)
    assert Divergence.objects.get().state == "open"


def test_a_refused_edit_keeps_what_was_typed_and_says_why(client, staff):
    planted(1)
    one = Divergence.objects.get()
    answer = post(client, staff["olivia"], "edit", one.pk, value="-5.00 EUR")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="-5.00 EUR"' in text
    assert "Amount: it cannot be below zero." in text


def test_what_was_said_instead_stands_on_the_page(client, staff):
    planted(1)
    one = Divergence.objects.get()
    post(client, staff["olivia"], "edit", one.pk, value="1300 EUR")
    assert "Another value is said here: 1,300.00 EUR" in page(
        client, staff["olivia"], "divergence", one.pk
    )
    assert "1,300" not in page(client, staff["vera"], "divergence", one.pk)


def test_a_field_is_edited_by_its_own_name_and_help(client, staff):
    linked(ours(title="Tram"), "1")
    reconcile("hubspot", deal("1", title="Tram X"))
    text = page(client, staff["olivia"], "divergence", Divergence.objects.get().pk)
    assert '<label for="id_value">Title</label>' in text
    assert "As it is to stand here: up to" in text
    assert "1,234.50 EUR" not in text.split('id="id_value"')[1].split("</form>")[0]


def bulk(client, user, **given):
    return post(client, user, "divergences-bulk", words="sort=different", **given)


NO_MOVE = "A sent proposal cannot become closed won."


def closed_there(number=1, **changes):
    """So many sent proposals whose deal is won over there: no move that there is."""
    for place in range(number):
        linked(ours(f"doc-{place}", title=f"Proposal {place}", **changes), f"{place}")
    rows = [deal(f"{n}", f"doc-{n}", title=f"Proposal {n}", stage="closedwon", **changes)
            for n in range(number)]  # fmt: skip
    reconcile("hubspot", *rows)
    return Divergence.objects.filter(field="stage").order_by("pk")


def test_a_stage_that_is_no_move_is_offered_disabled_with_the_reason(client, staff):
    one = closed_there().get()
    address = reverse("reconciliation:take-side", args=[one.pk, "theirs"])
    text = page(client, staff["olivia"], "divergence", one.pk)
    assert NO_MOVE in text
    assert address not in text
    # As soon as it is one, it is offered.
    Proposal.objects.update(state="signed")
    text = page(client, staff["olivia"], "divergence", one.pk)
    assert address in text
    assert "cannot become" not in text


def test_for_all_it_is_disabled_where_it_can_be_done_with_none(client, staff):
    closed_there(2)
    text = page(client, staff["olivia"], "divergences")
    assert NO_MOVE in text
    assert 'value="theirs"' not in text
    assert 'value="ours"' in text
    bulk(client, staff["olivia"], act="theirs", shown="2", confirmed="yes")
    assert set(Divergence.objects.values_list("state", flat=True)) == {"open"}
    # One of them can: it is offered, and the other one says why not on its page.
    Proposal.objects.filter(external_id="doc-1").update(state="signed")
    assert 'value="theirs"' in page(client, staff["olivia"], "divergences")
    bulk(client, staff["olivia"], act="theirs", shown="2", confirmed="yes")
    seeing_through.carry_on()
    assert set(Divergence.objects.values_list("state", "why")) == {
        ("open", NO_MOVE), ("fixing", "Theirs is taken here"),
    }  # fmt: skip


NOBODY = "nobody here has that e-mail"


def owned_there(*emails):
    """A proposal for each, whose deal belongs to that person over there."""
    for place, _ in enumerate(emails):
        linked(ours(f"doc-{place}", title=f"Proposal {place}"), f"{place}")
    rows = [deal(f"{place}", f"doc-{place}", title=f"Proposal {place}", owner_email=email)
            for place, email in enumerate(emails)]  # fmt: skip
    reconcile("hubspot", *rows)
    return list(Divergence.objects.filter(field="owner_email").order_by("pk"))


@pytest.mark.parametrize(
    ("email", "changes", "why"),
    [
        ("gone@example.com", {"email": "Gone@Example.com"}, NOBODY),
        ("sam@example.com", {"is_active": True}, "Sam Dube no longer works here"),
        ("vera@example.com", {"role": "operator"}, "Vera Lind is a viewer now"),
    ],
)
def test_an_owner_who_cannot_have_it_is_offered_disabled_with_the_reason(
    client, staff, email, changes, why
):
    User.objects.filter(email="sam@example.com").update(is_active=False)
    (one,) = owned_there(email)
    address = reverse("reconciliation:take-side", args=[one.pk, "theirs"])
    text = page(client, staff["olivia"], "divergence", one.pk)
    assert why in text
    assert address not in text
    # As soon as they can, it is offered.
    person = User.objects.filter(email=email).first() or staff["rosa"]
    User.objects.filter(pk=person.pk).update(**changes)
    text = page(client, staff["olivia"], "divergence", one.pk)
    assert address in text
    assert why not in text


def test_for_all_owners_it_is_disabled_where_none_of_them_can_have_it(client, staff):
    owned_there("gone@example.com", "left@example.com")
    text = page(client, staff["olivia"], "divergences")
    assert NOBODY in text
    assert 'value="theirs"' not in text
    assert 'value="ours"' in text
    User.objects.filter(email="rosa@example.com").update(email="left@example.com")
    assert 'value="theirs"' in page(client, staff["olivia"], "divergences")


def test_the_people_are_asked_once_for_however_many_owners(
    client, staff, django_assert_max_num_queries
):
    owned_there(*(f"gone-{place}@example.com" for place in range(30)))
    client.force_login(staff["olivia"])
    # Once for the rows, once for what is offered for all of them.
    with django_assert_max_num_queries(24):
        client.get(reverse("reconciliation:divergences"))


def test_where_the_reasons_are_several_the_first_stands_for_them(client, staff):
    closed_there()
    Divergence.objects.create(**{
        field.attname: getattr(Divergence.objects.get(), field.attname)
        for field in Divergence._meta.concrete_fields if field.name not in ("id", "sort", "field")
    } | {"sort": "duplicate", "field": ""})  # fmt: skip
    assert many.refusal(Divergence.objects.all(), "theirs") == (
        f"None of these can be taken. {NO_MOVE}"
    )
    Divergence.objects.update(state="gone", gone_at=instant.now())
    assert many.refusal(Divergence.objects.all(), "theirs") == "None of these is open."


def test_more_than_a_fifth_at_once_asks_first(client, staff):
    planted(3)
    answer = bulk(client, staff["olivia"], act="theirs", shown="3")
    # A page of its own: to go back to it asks for nothing again.
    assert (answer.status_code, answer["Location"]) == (
        303, reverse("reconciliation:divergences-really"),
    )  # fmt: skip
    assert "3 of 3 open differences" in client.get(answer["Location"]).content.decode()
    assert set(Divergence.objects.values_list("state", flat=True)) == {"open"}
    bulk(client, staff["olivia"], act="theirs", shown="3", confirmed="yes")
    assert set(Divergence.objects.values_list("state", flat=True)) == {"fixing"}
    assert set(Divergence.objects.values_list("is_asked", flat=True)) == {True}


def test_what_was_done_with_all_is_said(client, staff):
    planted(1)
    day = (instant.now().date() + timedelta(days=30)).isoformat()
    asked = {"act": "accept", "shown": "1", "reason": "Agreed.", "until": day, "confirmed": "yes"}
    answer = bulk(client, staff["rosa"], **asked)
    assert "Accepted 1 of them." in client.get(answer["Location"]).content.decode()


def test_a_refused_accept_of_all_keeps_what_was_typed(client, staff):
    planted(1)
    asked = {"act": "accept", "shown": "1", "reason": "Agreed by phone.", "until": "2020-01-01"}
    answer = bulk(client, staff["rosa"], **asked)
    assert answer.status_code == 303
    text = client.get(answer["Location"]).content.decode()
    assert "Agreed by phone." in text.split('class="menu" data-menu open')[1]
    assert "Choose a day to come" in text
    assert "data-menu open" not in client.get(answer["Location"]).content.decode()


def test_what_nobody_has_seen_is_not_changed(client, staff):
    planted(3)
    bulk(client, staff["olivia"], act="theirs", shown="2", confirmed="yes")
    assert set(Divergence.objects.values_list("state", flat=True)) == {"open"}


def test_before_somebody_says_yes_nothing_is_changed(staff):
    planted(3)
    at = instant.now()
    wanted = Wanted("accept", "", "Agreed.", (at + timedelta(days=30)).date())
    given = {"shown": 3, "by": staff["rosa"], "at": at}
    with pytest.raises(Asks, match="3 of 3 open differences"):
        many.do(Divergence.objects.all(), wanted, confirmed=False, **given)
    assert set(Divergence.objects.values_list("state", "accepted_why")) == {("open", "")}
    assert not TrailLine.objects.filter(what="divergences.changed").exists()
    assert many.do(Divergence.objects.all(), wanted, confirmed=True, **given) == 3
    assert set(Divergence.objects.values_list("state", flat=True)) == {"accepted"}


@pytest.mark.parametrize(
    ("number", "of", "asks"), [(1, 100, False), (20, 100, False), (21, 100, True), (101, 999, True)]
)
def test_what_is_many(number, of, asks):
    assert many.must_ask(number, of) is asks


def test_a_run_tells_its_part_while_it_goes_on(client, staff):
    (run,) = runs.ask(slug="hubspot", by=staff["olivia"], at=instant.now())
    client.force_login(staff["olivia"])
    address = reverse("reconciliation:run", args=[run.pk])
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<div")
    compared.snapshot("hubspot")
    drain()
    assert "What it found" in client.get(address).content.decode()
