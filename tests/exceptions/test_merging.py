"""A duplicate becomes a part of the other ticket: with all that hangs on it, and for good."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exceptions import desk, merging, snoozing, troubles
from exceptions.models import Occurrence, Ticket
from exceptions.states import MoveError
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed, Role
from tests import factories
from tests.exceptions.conftest import CARRIER, MONDAY, TrailBroken, open_one
from tests.factories import reread
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]


def merge(ticket, into, by):
    return merging.merge(ticket_id=ticket.pk, into_id=into.pk, by=by, at=MONDAY)


def subjects(ticket):
    return list(ticket.all_occurrences.order_by("subject").values_list("subject", flat=True))


@pytest.fixture
def other(ticket):
    return open_one("two", subject="outcome:two", record="proposal:18", amount=Decimal("100"))


def test_what_hangs_on_it_moves_and_it_closes_as_a_duplicate_with_a_link(
    ticket, other, olivia, as_
):
    open_one("two", subject="outcome:one", record="proposal:17")
    merge(other, ticket, olivia)
    ticket, other = reread(ticket), reread(other)
    assert (other.status, other.resolution, other.merged_into) == ("resolved", "duplicate", ticket)
    assert (ticket.status, subjects(ticket)) == ("open", ["outcome:one", "outcome:two"])
    assert subjects(other) == []
    assert ticket.occurrences == 2
    assert ticket.all_occurrences.get(subject="outcome:one").times == 2
    # The money of each record once.
    assert ticket.amount_at_risk == Decimal("1334.50")
    page = as_(olivia).get(f"/queue/{other.pk}/").content.decode()
    assert f'<a href="/queue/{ticket.pk}/">Ticket {ticket.pk}</a>' in page
    assert "Took another in" in words(as_(olivia).get(f"/queue/{ticket.pk}/"))


def test_what_its_cause_does_afterwards_hangs_on_the_other_one(ticket, other, olivia):
    merge(other, ticket, olivia)
    again = open_one("two", subject="outcome:three")
    assert again.pk == ticket.pk
    assert Ticket.objects.count() == 2
    # Over several merges, too.
    third = open_one("four")
    merge(ticket, third, olivia)
    assert open_one("two", subject="outcome:five").pk == third.pk
    # Closed, that one opens again with what its causes do within the week; later they are apart.
    desk.resolve(ticket_id=third.pk, resolution="fixed", by=olivia, at=MONDAY)
    again = open_one("two", subject="outcome:six")
    assert (again.pk, again.reopened) == (third.pk, 1)
    desk.resolve(ticket_id=third.pk, resolution="fixed", by=olivia, at=MONDAY)
    late = open_one("two", subject="outcome:seven", at=MONDAY + timedelta(days=8))
    assert (Ticket.objects.count(), late.follows_id) == (4, third.pk)


def test_a_ticket_of_its_own_that_was_resolved_since_opens_again(ticket, other, olivia):
    merge(other, ticket, olivia)
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=MONDAY)
    back = MONDAY + timedelta(days=20)
    own = open_one("two", subject="outcome:two", at=back)
    assert own.follows_id == ticket.pk
    desk.resolve(ticket_id=own.pk, resolution="fixed", by=olivia, at=back + timedelta(hours=1))
    again = open_one("two", subject="outcome:two", at=back + timedelta(hours=2))
    assert (again.pk, again.reopened) == (own.pk, 1)


def test_a_merge_makes_the_other_one_as_grave_and_wakes_it(staff, olivia):
    grave, low = open_one("grave", severity="critical"), open_one("low", severity="low")
    until = MONDAY + timedelta(days=1)
    snoozing.snooze(ticket_id=low.pk, until=until, reason="Later.", by=olivia, at=MONDAY)
    merge(grave, low, olivia)
    found = reread(low)
    assert (found.severity, found.snoozed_until) == ("critical", None)
    assert (found.ack_due_at, found.fix_due_at) == (grave.ack_due_at, grave.fix_due_at)
    assert TrailLine.objects.get(what="ticket.graver").after == {"severity": "critical"}
    # And not the other way round.
    merge(open_one("least", severity="low"), low, olivia)
    assert reread(low).severity == "critical"


def test_it_closes_on_evidence_once_all_of_both_came_right(ticket, other, olivia):
    merge(other, ticket, olivia)
    for subject in ("outcome:one", "outcome:two"):
        assert reread(ticket).is_unresolved
        troubles.settle(subject=subject, because="Read back.", by=CARRIER, at=MONDAY)
    assert reread(ticket).resolution == "closed on evidence"


def test_what_is_settled_on_one_and_open_on_the_other_is_open(ticket, other, olivia):
    open_one("two", subject="outcome:one")
    troubles.settle(subject="outcome:two", because="Read back.", by=CARRIER, at=MONDAY)
    Occurrence.objects.filter(ticket=ticket).update(settled_at=MONDAY, settled_because="Read back.")
    merge(other, ticket, olivia)
    one = reread(ticket).all_occurrences.get(subject="outcome:one")
    assert (one.settled_at, one.settled_because) == (None, "")
    assert reread(ticket).is_unresolved


@pytest.mark.parametrize("into", ["itself", "resolved"])
def test_it_is_not_merged_into_itself_nor_into_what_is_closed(ticket, other, olivia, into):
    desk.resolve(ticket_id=other.pk, resolution="fixed", by=olivia, at=MONDAY)
    target = ticket if into == "itself" else other
    with pytest.raises(MoveError):
        merge(ticket, target, olivia)
    assert reread(ticket).is_unresolved


def test_a_ticket_of_another_kind_is_none_to_merge_into_and_is_not_offered(ticket, olivia, as_):
    hold = open_one("hold", kind="on-hold", subject="hold:3")
    other = open_one("two", connection="", record="proposal:17")
    assert merging.candidates(ticket, olivia) == [other]
    with pytest.raises(MoveError, match=r"of another kind \(Delivery failed\)"):
        merge(hold, ticket, olivia)
    answer = as_(olivia).post(f"/queue/{hold.pk}/merge/", {"into": ticket.pk})
    assert (answer.status_code, "of another kind" in words(answer)) == (409, True)
    # So what lifts the hold finds its ticket by its kind.
    settle = {"because": "It may go on.", "by": CARRIER, "at": MONDAY, "kinds": {"on-hold"}}
    troubles.settle(subject="hold:3", **settle)
    assert reread(hold).resolution == "closed on evidence"


def test_somebody_elses_ticket_is_not_merged_but_one_may_merge_into_theirs(ticket, other, olivia):
    nils = factories.person("nils@example.com", "Nils Holm", Role.OPERATOR)
    desk.claim(ticket_id=other.pk, by=nils, at=MONDAY)
    with pytest.raises(NotAllowed):
        merge(other, ticket, olivia)
    assert reread(other).is_unresolved
    merge(ticket, other, olivia)
    assert reread(ticket).merged_into_id == other.pk


def test_without_its_line_nothing_is_merged(ticket, other, olivia, broken_trail):
    broken_trail()
    with pytest.raises(TrailBroken):
        merge(other, ticket, olivia)
    assert reread(other).is_unresolved
    assert subjects(other) == ["outcome:two"]


def test_the_page_says_what_would_move_and_a_second_click_is_told(ticket, other, olivia, as_):
    client, page = as_(olivia), f"/queue/{other.pk}/merge/"
    shown = words(client.get(page))
    assert "1, 1 of them still open" in shown
    answer = client.post(page, {"into": ticket.pk})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/queue/{ticket.pk}/")
    again = client.post(page, {"into": ticket.pk})
    assert (again.status_code, "This ticket is resolved." in words(again)) == (409, True)
    assert TrailLine.objects.filter(what="ticket.merged").count() == 1


def test_what_is_resolved_offers_no_merging_but_says_why(ticket, other, olivia, as_):
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=MONDAY)
    page = as_(olivia).get(f"/queue/{ticket.pk}/merge/").content.decode()
    assert '<button type="submit" class="btn btn-primary">' not in page
    assert "is resolved" in page


@pytest.mark.parametrize("typed", ["", "x", "0", "-3", "999999", "9" * 30, "1;2"])
def test_a_number_that_is_no_ticket_is_said_beside_its_field(ticket, other, olivia, as_, typed):
    answer = as_(olivia).post(f"/queue/{other.pk}/merge/", {"into": typed})
    assert answer.status_code == 422
    assert "error" in answer.content.decode()
    assert reread(other).is_unresolved


def test_a_ticket_of_another_team_is_none_to_merge_into(staff, ticket, other, as_):
    factories.person("theirs@example.com", "Tess Ray", Role.REP, staff["sam"].team)
    theirs = open_one("sales", owner=staff["remy"])
    client = as_(staff["sam"])
    answer = client.post(f"/queue/{theirs.pk}/merge/", {"into": ticket.pk})
    assert (answer.status_code, "There is no such ticket." in words(answer)) == (422, True)
    assert client.post(f"/queue/{ticket.pk}/merge/", {"into": theirs.pk}).status_code == 404


def test_two_who_merge_each_into_the_other_leave_one(ticket, other, olivia):
    merge(other, ticket, olivia)
    with pytest.raises(MoveError):
        merge(ticket, other, olivia)
    assert reread(ticket).is_unresolved


def test_more_like_it_are_no_more_queries_each(ticket, other, olivia, as_):
    client = as_(olivia)
    client.get(f"/queue/{other.pk}/merge/")
    assert client.get(f"/queue/{other.pk}/merge/").status_code == 200
    with CaptureQueriesContext(connection) as few:
        client.get(f"/queue/{other.pk}/merge/")
    for number in range(merging.OFFERED + 5):
        open_one(f"more-{number}")
    with CaptureQueriesContext(connection) as many:
        client.get(f"/queue/{other.pk}/merge/")
    assert len(many) <= len(few)
