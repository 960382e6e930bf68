"""Reading a message again: what is foretold is what happens, and nothing fires twice."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from connectors import digest, replaying, rereading
from connectors.models import Connection, Message
from connectors.pandadoc import translate
from connectors.replaying import Act
from connectors.rereading import NotNow
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from proposals.models import Contract, Outcome, Proposal, Signal, Transition
from proposals.states import State
from tests import factories
from tests.connectors.crm import carry_on, say
from tests.factories import digest_all, document, post_pandadoc
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa_there(staff):
    return signed_in(staff["rosa"])


def everything():
    """All that a message may have led to, row by row."""
    models = (Message, Signal, Transition, Proposal, Outcome, Ticket, TrailLine, Notice)
    return {one.__name__: list(one.objects.order_by("pk").values()) for one in models}


def look(act, message, by):
    return replaying.preview(act=act, message_id=message.pk, by=by, at=instant.now())


def page_of(message, act):
    return f"/messages/{message.pk}/{act}/"


def shown_on(answer):
    return re.search(r'name="shown" value="(\w+)"', answer.content.decode())[1]


@pytest.fixture
def quarantined(staff, pandadoc, monkeypatch):
    """A signed document that could not be read while the mapping was wrong."""
    factories.hubspot()
    with monkeypatch.context() as wrong:
        known = {name: one for name, one in translate.STATES.items() if name != "document.sent"}
        wrong.setattr(translate, "STATES", known)
        post_pandadoc([document("sent")])
        digest_all()
    message = Message.objects.get()
    assert message.status == "quarantined"
    return message


def test_looking_ahead_leaves_nothing_behind(staff, quarantined):
    before = everything()
    ahead = look(Act.RELEASE, quarantined, staff["rosa"])
    assert everything() == before
    assert ahead.account.status == "digested"
    said = " ".join(one.sentence for one in ahead.account.effects)
    assert "The proposal moves." in said
    assert "Create or update the deal" in said or "create or update the deal" in said
    assert "Ticket resolved" in said


def test_looking_ahead_rings_no_bell(
    staff, quarantined, monkeypatch, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as rung:
        look(Act.RELEASE, quarantined, staff["rosa"])
    assert rung == []


@pytest.mark.parametrize("act", list(Act))
def test_what_is_foretold_is_what_happens(rosa_there, quarantined, act):
    ahead = rosa_there.get(page_of(quarantined, act))
    assert ahead.status_code == 200
    foretold = ahead.context["ahead"].account
    answer = rosa_there.post(page_of(quarantined, act), {"shown": shown_on(ahead)})
    assert answer.status_code == 200
    did = answer.context["did"]
    assert [one.mark for one in did.effects] == [one.mark for one in foretold.effects]
    assert did.fingerprint == foretold.fingerprint
    said = words(answer)
    assert "What it would do" in said
    assert "What it did" in said
    quarantined.refresh_from_db()
    assert quarantined.status == "digested"
    assert Proposal.objects.get().state == "sent"
    keys = set(Outcome.objects.values_list("key", flat=True))
    assert keys
    assert all(any(key in one.sentence for one in did.effects) for key in keys)
    assert Ticket.objects.get().status == "resolved"


def test_what_is_foretold_of_a_record_that_comes_with_it_is_the_same_each_time(
    staff, quarantined, monkeypatch
):
    """Looking ahead makes the record, and takes it back: the next look's has another number."""
    monkeypatch.setitem(translate.STATES, "document.sent", State.CLOSED_WON)
    first, second = (look(Act.RELEASE, quarantined, staff["rosa"]).account for _ in range(2))
    assert any("authority" in one.sentence for one in first.effects)
    assert first.fingerprint == second.fingerprint


def test_a_replay_fires_nothing_new_at_the_other_side(rosa_there, crm, staff):
    say("sent")
    carry_on()
    message = Message.objects.get()
    effects, outcomes = crm.effects(), Outcome.objects.count()
    assert effects
    ahead = rosa_there.get(page_of(message, "replay"))
    assert ahead.context["ahead"].account.effects == []
    said = words(ahead)
    assert "Nothing new happens: no outcome fires, no ticket opens." in said
    assert "Done already under the same key" in said
    for outcome in Outcome.objects.filter(signal=message.signal_id):
        assert outcome.key in said
    assert "What it tells is known already: nothing new would happen." in said
    assert 'class="btn btn-primary"' not in ahead.content.decode()
    answer = rosa_there.post(page_of(message, "replay"), {"shown": shown_on(ahead)})
    assert answer.status_code == 409
    assert "Not done. What it tells is known already" in words(answer)
    assert not TrailLine.objects.filter(what="message.replayed").exists()
    for _ in range(3):
        rereading.replay(message_id=message.pk, by=staff["rosa"], at=instant.now())
        digest_all()
        carry_on()
    assert crm.effects() == effects
    assert Outcome.objects.count() == outcomes
    assert Signal.objects.count() == 1
    assert TrailLine.objects.filter(what="message.replayed").count() == 3


def test_what_would_be_quarantined_again_says_why(rosa_there, pandadoc, staff):
    post_pandadoc([{"event": "document_updated"}])
    digest_all()
    message = Message.objects.get()
    ahead = rosa_there.get(page_of(message, "release"))
    assert "Quarantined again. data is missing" in words(ahead)
    answer = rosa_there.post(page_of(message, "release"), {"shown": shown_on(ahead)})
    assert answer.status_code == 409
    assert "Not done. It cannot be read, so nothing would come of it" in words(answer)
    assert not TrailLine.objects.filter(what="message.released").exists()
    assert Ticket.objects.get().is_unresolved


def test_what_changed_since_it_was_looked_at_is_shown_and_not_done(rosa_there, quarantined):
    shown = shown_on(rosa_there.get(page_of(quarantined, "release")))
    post_pandadoc([document("viewed", at=factories.MONDAY + timedelta(minutes=5))], event_id="next")
    digest_all()
    before = everything()
    answer = rosa_there.post(page_of(quarantined, "release"), {"shown": shown})
    assert answer.status_code == 409
    assert "Something changed since you looked" in words(answer)
    assert everything() == before
    answer = rosa_there.post(page_of(quarantined, "release"), {"shown": shown_on(answer)})
    assert answer.status_code == 200
    assert "What it did" in words(answer)


def test_what_is_held_by_its_connection_is_foretold_and_waits(rosa_there, quarantined):
    Connection.objects.filter(slug="pandadoc").update(status="paused")
    ahead = rosa_there.get(page_of(quarantined, "release"))
    assert "PandaDoc is paused: it waits until that runs" in words(ahead)
    assert ahead.context["ahead"].account.effects
    answer = rosa_there.post(page_of(quarantined, "release"), {"shown": shown_on(ahead)})
    assert answer.status_code == 200
    assert "It waits. What is to happen" in words(answer)
    assert "note-ok" not in answer.content.decode()
    quarantined.refresh_from_db()
    assert (quarantined.status, Outcome.objects.count()) == ("accepted", 0)
    Connection.objects.filter(slug="pandadoc").update(status="active")
    digest_all()
    marks = [one.mark for one in ahead.context["ahead"].account.effects]
    made = Outcome.objects.values_list("key", flat=True)
    assert all(any(key in mark for mark in marks) for key in made)


def test_a_target_that_does_not_run_is_said_to_hold(rosa_there, quarantined):
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why="They move.")
    assert "HubSpot is paused. They move." in words(rosa_there.get(page_of(quarantined, "release")))


def test_what_took_workers_down_is_not_tried_in_front_of_a_person(staff, quarantined, monkeypatch):
    Message.objects.update(crashes=digest.CRASHES_UNTIL_QUARANTINE)
    tried = []
    monkeypatch.setattr(digest, "digest_here", lambda *a, **k: tried.append(1))
    ahead = look(Act.RELEASE, quarantined, staff["rosa"])
    assert "a worker reads it, alone" in ahead.account.waits
    replaying.carry_out(
        act=Act.RELEASE, message_id=quarantined.pk, shown=ahead.account.fingerprint,
        by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    quarantined.refresh_from_db()
    assert (quarantined.status, tried) == ("accepted", [])


def test_what_fails_by_our_own_fault_is_left_to_a_worker(staff, quarantined, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("odd")

    monkeypatch.setattr("proposals.contracts.promising.promise", broken)
    ahead = look(Act.RELEASE, quarantined, staff["rosa"])
    assert "Reading it fails (RuntimeError: odd)" in ahead.account.waits
    replaying.carry_out(
        act=Act.RELEASE, message_id=quarantined.pk, shown=ahead.account.fingerprint,
        by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    quarantined.refresh_from_db()
    assert quarantined.status == "accepted"
    assert Signal.objects.count() == 0


def test_what_is_read_otherwise_today_is_told(staff, rosa_there, pandadoc, monkeypatch):
    post_pandadoc([document("sent")])
    digest_all()
    post_pandadoc([document("viewed", at=factories.MONDAY + timedelta(minutes=5))], event_id="2")
    digest_all()
    message = Message.objects.order_by("pk").first()
    Connection.objects.filter(slug="pandadoc").update(changed_at=instant.now(), version=7)
    monkeypatch.setattr(translate, "_owner", lambda data: "rosa@example.com")
    said = words(rosa_there.get(page_of(message, "replay")))
    assert "Today its owner email reads rosa@example.com" in said
    assert "remy@example.com stays" in said
    assert "PandaDoc is at version 7 since" in said
    assert "The proposal moved on from version 1 to 2" in said


@pytest.mark.parametrize("many", [1, 6])
def test_contracts_published_since_are_named_while_they_are_few(staff, rosa_there, pandadoc, many):
    """A back-dated life came in before everything that is agreed here."""
    post_pandadoc([document("sent")])
    digest_all()
    message, early = Message.objects.get(), instant.now() - timedelta(days=30)
    Message.objects.update(digested_at=early)
    Contract.objects.update(published_at=early)
    live = Contract.objects.live().order_by("slug")
    slugs = [one.slug for one in live[:many]]
    Contract.objects.live().filter(slug__in=slugs).update(published_at=instant.now())
    said = words(rosa_there.get(page_of(message, "replay")))
    assert ("6 contracts were published after this message was read." in said) == (many == 6)
    assert said.count("The contract ") == (1 if many == 1 else 0)


def test_what_waits_needs_no_replay(staff, rosa_there, pandadoc):
    post_pandadoc([document("sent")])
    message = Message.objects.get()
    answer = rosa_there.get(page_of(message, "replay"))
    assert answer.status_code == 409
    assert "about to be digested anyway" in words(answer)
    assert rosa_there.get(page_of(message, "release")).status_code == 409
    with pytest.raises(NotNow):
        look(Act.REPLAY, message, staff["rosa"])


def test_who_may_not_replay_may_not_look_ahead(staff, quarantined):
    post_pandadoc([document("sent", id="remys")], event_id="remys")
    digest_all()
    message = Message.objects.get(key__contains="remys")
    for who, status in (("olivia", 403), ("sam", 403), ("ada", 403), ("vera", 403), ("remy", 403)):
        client = Client()
        client.force_login(staff[who])
        for method in (client.get, client.post):
            assert method(page_of(message, "replay")).status_code in (status, 303), who
    message.refresh_from_db()
    assert message.status == "digested"


def test_the_preview_comes_as_a_part_too(rosa_there, quarantined):
    part = rosa_there.get(page_of(quarantined, "release"), headers={"HX-Request": "true"})
    assert part.content.decode().strip().startswith('<div id="replay"')
    assert "HX-Request" in part.headers["Vary"]
    did = rosa_there.post(
        page_of(quarantined, "release"), {"shown": shown_on(part)}, headers={"HX-Request": "true"}
    )
    assert did.content.decode().strip().startswith('<div id="replay"')
    assert "What it did" in words(did)


def test_what_only_has_its_turn_after_another_is_not_blocked(staff, quarantined):
    ahead = look(Act.RELEASE, quarantined, staff["rosa"])
    assert any("follow-up" in one.mark for one in ahead.account.effects)
    assert ahead.account.blocked == []
