"""A change of owners says which open tickets would go along, and then moves just those."""

import re
from dataclasses import replace

import pytest

from exceptions import desk, owners
from exceptions.models import Ticket
from exceptions.owners import Change
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.models import User
from meshline.policy import operating_model, raci
from tests.exceptions.conftest import MONDAY, open_one
from tests.factories import reread
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

DELIVERY = "/operating-model/owners/of/delivery/"
PREVIEW = "/operating-model/owners/preview/delivery/"


def to(*people, process="delivery"):
    return Change(process, {"responsible": list(people)})


def publish(change, by, with_open=True):
    return owners.publish(change, with_open=with_open, by=by, at=MONDAY)


def hidden(answer, name="seen"):
    found = re.search(rf'name="{name}"\s+value="([^"]*)"', answer.content.decode())
    return found.group(1) if found else ""


def asked(staff, name="sam", **more):
    responsible = [f"user:{staff[name].pk}"]
    return {"accountable": f"user:{staff['rosa'].pk}", "responsible": responsible, **more}


def lines():
    return TrailLine.objects.filter(what="ticket.owner-changed")


# --- The verbs -------------------------------------------------------------------------------
def test_an_open_ticket_goes_to_who_is_responsible_now_with_its_line(staff, ticket):
    assert publish(to(staff["sam"]), staff["rosa"]) == [(staff["sam"], 1)]
    found = reread(ticket)
    assert (found.owner, found.team) == (staff["sam"], staff["sam"].team)
    assert found.owner_why == "Sam Dube is responsible for delivery."
    line = lines().get()
    assert (line.actor_label, line.why) == (
        "Rosa Marin (RevOps manager)",
        "The owners changed: Sam Dube is responsible for delivery.",
    )
    assert line.cause.startswith("raciassignment:")


def test_who_gets_several_is_told_once(staff, ticket):
    open_one("two")
    before = Notice.objects.of(staff["sam"]).count()
    publish(to(staff["sam"]), staff["rosa"])
    told = Notice.objects.of(staff["sam"]).newest_first()
    assert told.count() == before + 1
    assert told[0].text == "2 open tickets are yours now: the owners of delivery changed."
    publish(to(staff["olivia"]), staff["rosa"])
    publish(to(staff["sam"]), staff["rosa"])
    assert Notice.objects.of(staff["sam"]).count() == before + 2


def test_what_is_claimed_handed_up_given_by_hand_or_anothers_stays(staff, ticket):
    claimed, up = open_one("claimed"), open_one("up")
    remys = open_one("remys", owner=staff["remy"])
    other = open_one("other", kind="dispute")
    desk.claim(ticket_id=claimed.pk, by=staff["olivia"], at=MONDAY)
    desk.escalate(ticket_id=up.pk, reason="x", by=staff["olivia"], at=MONDAY)
    assert publish(to(staff["sam"]), staff["rosa"]) == [(staff["sam"], 1)]
    stayed = {one: reread(one).owner for one in (claimed, up, remys, other)}
    olivia, rosa = staff["olivia"], staff["rosa"]
    assert list(stayed.values()) == [olivia, rosa, staff["remy"], olivia]


def test_who_is_still_named_keeps_what_they_have(staff, ticket):
    assert publish(to(staff["sam"], staff["olivia"]), staff["rosa"]) == []
    assert reread(ticket).owner == staff["olivia"]
    assert raci.responsible_for("delivery", at=MONDAY).user == staff["sam"]


def test_they_stay_where_they_are_if_that_is_chosen(staff, ticket):
    assert publish(to(staff["sam"]), staff["rosa"], with_open=False) == []
    assert reread(ticket).owner == staff["olivia"]
    assert open_one("new").owner == staff["sam"]


def test_what_falls_under_the_queue_goes_along_with_it(staff):
    operating_model.remove_raci(process="delivery", by=staff["rosa"], at=MONDAY)
    ticket, own = open_one(), open_one("own", kind="dispute")
    publish(to(staff["sam"], process="exception-queue"), staff["rosa"])
    assert (reread(ticket).owner, reread(own).owner) == (staff["sam"], staff["olivia"])


def test_a_preview_is_what_is_done_and_does_nothing(staff, ticket):
    claimed = open_one("claimed")
    desk.claim(ticket_id=claimed.pk, by=staff["olivia"], at=MONDAY)
    before = TrailLine.objects.count()
    would = owners.preview(to(staff["sam"]), by=staff["rosa"], at=MONDAY)
    assert would.ways == [(staff["olivia"], staff["sam"], 1)]
    assert (would.claimed, would.stay) == (1, 0)
    assert (would.now.user, would.then.user) == (staff["olivia"], staff["sam"])
    assert reread(ticket).owner == staff["olivia"]
    assert TrailLine.objects.count() == before


def test_a_planned_change_moves_nothing(staff, ticket):
    later = replace(to(staff["sam"]), effective_from=MONDAY.replace(day=9))
    would = owners.preview(later, by=staff["rosa"], at=MONDAY)
    assert (would.moves, would.stay, would.then.user) == ([], 1, staff["sam"])
    assert publish(later, staff["rosa"]) == []
    assert reread(ticket).owner == staff["olivia"]


def test_without_its_lines_nothing_moves_and_nobody_is_named(staff, ticket, monkeypatch):
    def fail(*args, **named):
        raise RuntimeError

    monkeypatch.setattr(owners.trail, "record_all", fail)
    with pytest.raises(RuntimeError):
        publish(to(staff["sam"]), staff["rosa"])
    assert reread(ticket).owner == staff["olivia"]
    assert raci.responsible_for("delivery", at=MONDAY).user == staff["olivia"]


# --- The page --------------------------------------------------------------------------------
def test_saving_shows_first_what_would_move_and_then_does_that(as_, staff, ticket):
    rosa = as_(staff["rosa"])
    typed = asked(staff, seen=hidden(rosa.get(DELIVERY)))
    shown = rosa.post(DELIVERY, typed)
    page = words(shown)
    assert shown.status_code == 200
    assert "1 open ticket would go from Olivia Ortiz to Sam Dube." in page
    assert "New ones would go to Sam Dube, not to Olivia Ortiz." in page
    assert reread(ticket).owner == staff["olivia"]
    assert raci.responsible_for("delivery", at=MONDAY).user == staff["olivia"]
    again = {**typed, "previewed": hidden(shown, "previewed"), "move": "1"}
    assert rosa.post(DELIVERY, again).status_code == 303
    said = words(rosa.get("/operating-model/owners/"))
    assert "Open tickets went along: 1 to Sam Dube." in said
    assert reread(ticket).owner == staff["sam"]


def test_they_stay_if_the_mark_is_taken_away(as_, staff, ticket):
    rosa = as_(staff["rosa"])
    typed = asked(staff, seen=hidden(rosa.get(DELIVERY)))
    mark = hidden(rosa.post(DELIVERY, typed), "previewed")
    assert rosa.post(DELIVERY, {**typed, "previewed": mark}).status_code == 303
    assert reread(ticket).owner == staff["olivia"]
    assert raci.responsible_for("delivery", at=MONDAY).user == staff["sam"]


def test_other_tickets_than_were_seen_are_shown_again(as_, staff, ticket):
    rosa = as_(staff["rosa"])
    typed = asked(staff, seen=hidden(rosa.get(DELIVERY)), move="1")
    typed["previewed"] = hidden(rosa.post(DELIVERY, typed), "previewed")
    open_one("two")
    assert "2 open tickets would go from Olivia Ortiz" in words(rosa.post(DELIVERY, typed))
    assert Ticket.objects.filter(owner=staff["sam"]).count() == 0


def test_the_part_says_it_while_one_chooses(as_, staff, ticket):
    rosa = as_(staff["rosa"])
    part = rosa.post(PREVIEW, asked(staff))
    assert "1 open ticket would go from Olivia Ortiz to Sam Dube." in words(part)
    assert re.search(r'name="move"[^>]*checked', part.content.decode())
    kept = rosa.post(PREVIEW, asked(staff, previewed="x")).content.decode()
    assert 'name="move"' in kept
    assert "checked" not in kept
    wrong = rosa.post(PREVIEW, asked(staff, responsible=[]))
    assert wrong.status_code == 422
    assert "Somebody is responsible" in words(wrong)
    planned = words(rosa.post(PREVIEW, asked(staff, effective_from="2026-03-09T10:00")))
    assert "Until Mon 9 Mar 2026, 10:00:00 UTC nothing changes." in planned
    assert "What is open then stays with who has it" in planned
    assert User.objects.get(name="Olivia Ortiz") == reread(ticket).owner
