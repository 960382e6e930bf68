"""Past tickets like one: which, in which order, what usually resolves them, and for whose eyes."""

import re
from datetime import timedelta

import pytest

from exceptions import desk, similar, troubles
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from tests.exceptions.conftest import MONDAY, open_one
from tests.factories import reread
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]
ALIKE = {"contract": "signed", "step": "deal", "failure": "rejected", "connection": "hubspot"}


def resolved(name, by, *, resolution="fixed", minutes=30, note="", at=MONDAY, **changes):
    """A ticket that somebody resolved."""
    ticket = open_one(name, at=at, subject=f"outcome:{name}", **{**ALIKE, **changes})
    end = at + timedelta(minutes=minutes)
    desk.claim(ticket_id=ticket.pk, by=by, at=end)
    desk.resolve(ticket_id=ticket.pk, resolution=resolution, note=note, by=by, at=end)
    return reread(ticket)


def page(client, ticket):
    return words(client.get(f"/queue/{ticket.pk}/"))


def test_it_is_ranked_by_what_is_alike_and_then_the_newest(olivia):
    one = resolved("a", olivia)
    other_step = resolved("b", olivia, step="invoice")
    newer = resolved("c", olivia, minutes=40)
    resolved("d", olivia, kind="dispute")
    resolved("e", olivia, contract="x", step="y", failure="z", connection="stripe")
    ticket = open_one("now", subject="outcome:now", **ALIKE)
    found = similar.to(ticket, olivia)
    assert [(past.ticket.pk, past.shared) for past in found] == [
        (newer.pk, 4), (one.pk, 4), (other_step.pk, 3),
    ]  # fmt: skip


def test_what_names_nothing_is_like_the_others_of_its_kind(olivia):
    bare = dict.fromkeys(ALIKE, "")
    past = resolved("a", olivia, kind="dispute", **bare)
    ticket = open_one("now", kind="dispute", subject="proposal:9", **bare)
    assert [one.ticket.pk for one in similar.to(ticket, olivia)] == [past.pk]


def test_neither_itself_nor_what_is_open_nor_a_duplicate_is_like_it(olivia):
    ticket = resolved("a", olivia)
    open_one("b", subject="outcome:b", **ALIKE)
    resolved("c", olivia, resolution="duplicate")
    assert similar.to(ticket, olivia) == []


def test_what_usually_resolves_it_is_said_from_three_on(olivia):
    ticket = open_one("now", subject="outcome:now", **ALIKE)
    resolved("a", olivia, resolution="mapping gap", minutes=42)
    resolved("b", olivia, resolution="mapping gap", minutes=60)
    assert similar.usual(similar.to(ticket, olivia)) is None
    resolved("c", olivia, resolution="fixed", minutes=5)
    # Less alike than those three: it does not count.
    resolved("d", olivia, resolution="fixed", minutes=5, step="other")
    usual = similar.usual(similar.to(ticket, olivia))
    assert usual.words == "Resolved 2 of 3 times as mapping gap, in 51 min at the median."


def test_what_closes_on_evidence_is_said_so(olivia):
    for name in "abc":
        open_one(name, subject=f"outcome:{name}", **ALIKE)
        at = MONDAY + timedelta(minutes=12)
        troubles.settle(subject=f"outcome:{name}", because="Proven.", by=SETUP, at=at)
    ticket = open_one("now", subject="outcome:now", **ALIKE)
    usual = similar.usual(similar.to(ticket, olivia))
    assert usual.words == "Closed on evidence 3 of 3 times, in 12 min at the median."


def test_how_long_it_took_is_business_time_without_what_its_clocks_stood(olivia):
    friday = MONDAY + timedelta(days=4, hours=7)  # 16:30
    past = resolved("a", olivia, at=friday, minutes=60 * 65)
    # Resolved before that was kept.
    Ticket.objects.filter(pk=past.pk).update(paused_for=timedelta(minutes=20), resolved_within=None)
    ticket = open_one("now", subject="outcome:now", **ALIKE)
    # Half an hour on Friday, half an hour on Monday.
    assert past.resolved_at.strftime("%a %H:%M") == "Mon 09:30"
    assert similar.to(ticket, olivia)[0].took_words == "40 min"
    Ticket.objects.filter(pk=past.pk).update(resolved_within=timedelta(minutes=25))
    assert similar.to(ticket, olivia)[0].took_words == "25 min"


def test_those_of_its_own_cause_are_found_however_long_ago(olivia, monkeypatch):
    old = resolved("a", olivia)
    for name in "bcd":
        resolved(name, olivia, minutes=50)
    monkeypatch.setattr(similar, "LOOKED_AT", 2)
    ticket = open_one("a", at=MONDAY + timedelta(days=30), subject="outcome:x", **ALIKE)
    assert old.pk in {past.ticket.pk for past in similar.to(ticket, olivia)}
    assert len(similar.to(ticket, olivia)) == 3


def test_nobody_sees_a_ticket_there_that_is_not_theirs_to_see(olivia, staff, as_):
    resolved("a", olivia, title="A secret of RevOps")
    theirs = open_one("now", subject="outcome:now", owner=staff["remy"], **ALIKE)
    told = page(as_(staff["sam"]), theirs)
    assert "Nothing like it was resolved yet." in told
    assert "A secret of RevOps" not in told


def test_who_sees_words_masked_reads_neither_title_nor_note(olivia, staff, as_):
    resolved("a", olivia, note="Wrote to nina@customer.example.com", title="Nina Brook's deal")
    ticket = open_one("now", subject="outcome:now", **ALIKE)
    assert "nina@customer.example.com" in page(as_(olivia), ticket)
    assert "nina@customer.example.com" not in page(as_(staff["vera"]), ticket)


def test_more_tickets_are_no_more_queries(olivia, as_, django_assert_max_num_queries):
    client = as_(olivia)
    ticket = open_one("now", subject="outcome:now", **ALIKE)
    resolved("a", olivia)
    client.get(f"/queue/{ticket.pk}/")
    with django_assert_max_num_queries(60) as few:
        client.get(f"/queue/{ticket.pk}/")
    for number in range(12):
        resolved(f"more-{number}", olivia)
    with django_assert_max_num_queries(len(few)):
        told = page(client, ticket)
    assert "Resolved 13 of 13 times as fixed" in told


def test_looking_for_what_is_new_asks_nothing_of_the_past(
    olivia, as_, monkeypatch
):  # fmt: skip
    """An open page asks every ten seconds."""
    client, ticket = as_(olivia), open_one("now", **ALIKE)
    seen = re.search(r"\?seen=([^\"]+)", client.get(f"/queue/{ticket.pk}/").content.decode())[1]
    monkeypatch.setattr(similar, "to", None)
    answer = client.get(f"/queue/{ticket.pk}/", {"seen": seen}, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    changed = client.get(f"/queue/{ticket.pk}/", {"seen": "x"}, headers={"HX-Request": "true"})
    assert changed.status_code == 200
    assert instant.now() == MONDAY
