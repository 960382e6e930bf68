"""A new effect is forced: one manager asks, another one sees what it would do, and lets it go."""

import re

import pytest
from django.db import IntegrityError, transaction

from connectors import foreseeing, judging, replay_facts, retrying
from connectors.models import Connection
from connectors.replay_words import Verdict, Versions
from connectors.replaying import Moved
from exceptions import desk, merging
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.permissions import NotAllowed, Role
from proposals import forcing, steering
from proposals.contracts import promising
from proposals.forcing import CannotForce
from proposals.models import Contract, ForcedEffect, Outcome
from tests import factories
from tests.connectors.crm import carry_on, outcome, say
from tests.connectors.test_ticket_replay import everything
from tests.exceptions.conftest import open_one
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def max_(staff):
    return factories.person("max@example.com", "Max Hale", Role.MANAGER, staff["rosa"].team)


@pytest.fixture
def ticket(crm, staff):
    """A task that HubSpot made, and of which nobody could tell: given up, and on a ticket."""
    say("sent")
    crm.breaks({"kind": "status", "code": 400, "match": {"path": "tasks"}})
    carry_on()
    crm.mend()
    assert outcome("follow-up").state == "given_up"
    return Ticket.objects.unresolved().get()


def ask(ticket, by, reason="The task was deleted there."):
    return forcing.ask(
        ticket_id=ticket.pk, outcome_id=outcome("follow-up", undo_of=None).pk, reason=reason,
        by=by, at=instant.now(),
    )  # fmt: skip


def shown_on(answer):
    return re.search(r'name="shown"\s+value="(\w+)"', answer.content.decode())[1]


def page_of(asked, act=""):
    return f"/approvals/forced/{asked.pk}/{act}"


def test_it_is_asked_for_with_a_reason_and_lets_nothing_go_by_itself(ticket, staff, max_):
    rosa = staff["rosa"]
    answer = signed_in(rosa).post(
        f"/queue/{ticket.pk}/force/",
        {"outcome": outcome("follow-up").pk, "reason": "The task was deleted there."},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/queue/{ticket.pk}/")
    asked = ForcedEffect.objects.get()
    assert (asked.asked_by, asked.ticket, asked.is_waiting) == (rosa, ticket, True)
    assert Outcome.objects.filter(name="follow-up").count() == 1
    line = TrailLine.objects.get(what="outcome.new-effect-asked")
    assert (line.why, line.actor_id) == ("The task was deleted there.", str(rosa.pk))
    assert "Asked for a new effect" in words(signed_in(rosa).get(f"/queue/{ticket.pk}/"))
    notice = Notice.objects.get(key=f"forced:{asked.pk}:asked")
    assert (notice.user, notice.url) == (max_, page_of(asked))


def test_it_waits_in_the_inbox_of_the_second_person_alone(ticket, staff, max_):
    asked = ask(ticket, staff["rosa"])
    inbox = signed_in(max_).get("/approvals/")
    assert f'href="{page_of(asked)}"' in inbox.content.decode()
    assert "1" in words(signed_in(max_).get("/approvals/count/"))
    mine = words(signed_in(staff["rosa"]).get("/approvals/"))
    assert "You asked for it, so a second person decides." in mine
    assert "1" not in words(signed_in(staff["rosa"]).get("/approvals/count/"))
    assert "New effects" not in words(signed_in(staff["olivia"]).get("/approvals/"))


def test_the_second_person_sees_what_it_would_do_and_that_happens(ticket, crm, staff, max_):
    asked = ask(ticket, staff["rosa"])
    old, before = outcome("follow-up"), everything()
    page = signed_in(max_).get(page_of(asked))
    assert everything() == before
    said = words(page)
    assert f"Create a task for the owner in HubSpot, under the new key {old.key}/anew-1" in said
    assert "It goes out at once." in said
    assert f"Under {old.key}: given up" in said
    assert "The task was deleted there." in said
    answer = signed_in(max_).post(page_of(asked, "approve/"), {"shown": shown_on(page)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/approvals/")
    carry_on()
    made = Outcome.objects.get(key=f"{old.key}/anew-1")
    old.refresh_from_db()
    assert (old.state, made.state) == ("cancelled", "proven")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution) == ("resolved", "closed on evidence")
    assert ticket.all_occurrences.filter(subject=made.ref).exists()
    whats = TrailLine.objects.filter(what__startswith="outcome.new-effect").order_by("pk")
    assert [(one.what, one.actor_id) for one in whats] == [
        ("outcome.new-effect-asked", str(staff["rosa"].pk)),
        ("outcome.new-effect-approved", str(max_.pk)),
    ]
    assert "Max Hale let a new effect go" in words(signed_in(max_).get(f"/queue/{ticket.pk}/"))
    assert Notice.objects.filter(key=f"forced:{asked.pk}:decided", user=staff["rosa"]).exists()


def test_it_is_done_although_the_old_one_worked_and_the_story_takes_neither_back(
    ticket, crm, staff, max_
):
    Outcome.objects.filter(name="follow-up").update(state="due", next_attempt_at=instant.now())
    carry_on()
    assert outcome("follow-up").state == "proven"
    another = desk_ticket_on(outcome("follow-up"))
    asked = ask(another, staff["rosa"])
    ahead = foreseeing.look(asked, by=max_, at=instant.now())
    assert any("proven" in one for one in ahead.old)
    foreseeing.approve(
        asked_id=asked.pk, shown=ahead.fingerprint, comment="", by=max_, at=instant.now()
    )
    carry_on()
    assert len([one for one in crm.created() if outcome_key() in one]) == 2
    # The next event tells the story anew: nothing is called off, nothing is promised again.
    say("viewed", minute=3)
    made = Outcome.objects.filter(name="follow-up").order_by("pk")
    assert [one.state for one in made] == ["proven", "proven"]
    assert not Outcome.objects.filter(kind="task.complete").exists()


def outcome_key():
    return Outcome.objects.filter(name="follow-up").order_by("pk").first().key


def desk_ticket_on(thing):
    from_above = Ticket.objects.order_by("pk").first()
    Ticket.objects.filter(pk=from_above.pk).update(
        status="open", resolution="", resolved_at=None, resolved_by=None,
        next_step_at=instant.now(),
    )  # fmt: skip
    from_above.all_occurrences.filter(subject=thing.ref).update(settled_at=None, settled_because="")
    return Ticket.objects.get(pk=from_above.pk)


def test_nobody_lets_go_what_they_asked_for_themselves(ticket, staff, max_):
    rosa = staff["rosa"]
    asked = ask(ticket, rosa)
    with pytest.raises(NotAllowed, match="a second person decides"):
        forcing.approve(asked_id=asked.pk, by=rosa, at=instant.now())
    answer = signed_in(rosa).post(page_of(asked, "approve/"), {"shown": "x"})
    assert answer.status_code == 403
    assert Outcome.objects.filter(name="follow-up").count() == 1
    # Not even the database takes it from one person.
    with pytest.raises(IntegrityError), transaction.atomic():
        ForcedEffect.objects.filter(pk=asked.pk).update(
            is_approved=True, decided_by=rosa, decided_at=instant.now()
        )


@pytest.mark.parametrize("who", ["olivia", "sam", "ada", "vera", "remy"])
def test_it_is_not_for_anybody_else(ticket, staff, max_, who):
    asked = ask(ticket, staff["rosa"])
    client = signed_in(staff[who])
    for page in (page_of(asked), f"/queue/{ticket.pk}/force/"):
        assert client.get(page).status_code == 403
    for act in ("approve/", "reject/"):
        assert client.post(page_of(asked, act), headers={"HX-Request": "true"}).status_code == 403
    assert ForcedEffect.objects.get().is_waiting


def test_where_something_changed_since_it_was_looked_at_nothing_is_done(ticket, staff, max_):
    asked = ask(ticket, staff["rosa"])
    client = signed_in(max_)
    shown = shown_on(client.get(page_of(asked)))
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why="They move.")
    before = everything()
    answer = client.post(page_of(asked, "approve/"), {"shown": shown, "comment": "Fine by me"})
    assert answer.status_code == 409
    assert "Something changed since you looked" in words(answer)
    assert "HubSpot is paused. They move." in words(answer)
    assert "Fine by me" in words(answer)
    assert everything() == before
    answer = client.post(page_of(asked, "approve/"), {"shown": shown_on(answer)})
    assert answer.status_code == 303


def test_a_double_click_makes_one(ticket, staff, max_):
    asked = ask(ticket, staff["rosa"])
    client = signed_in(max_)
    shown = {"shown": shown_on(client.get(page_of(asked)))}
    assert client.post(page_of(asked, "approve/"), shown).status_code == 303
    again = client.post(page_of(asked, "approve/"), shown)
    assert (again.status_code, "Max Hale let it go already." in words(again)) == (409, True)
    assert client.post(page_of(asked, "reject/"), {"reason": "No"}).status_code == 409
    assert Outcome.objects.filter(name="follow-up").count() == 2


def test_a_no_needs_a_reason_and_leaves_the_old_one_as_it_is(ticket, staff, max_):
    asked, before = ask(ticket, staff["rosa"]), outcome("follow-up").state
    client = signed_in(max_)
    answer = client.post(page_of(asked, "reject/"), {"reason": " "})
    assert (answer.status_code, "Say why it is not done anew." in words(answer)) == (422, True)
    assert client.post(page_of(asked, "reject/"), {"reason": "It is there."}).status_code == 303
    assert outcome("follow-up").state == before
    assert ForcedEffect.objects.get().comment == "It is there."
    assert "did not let a new effect go" in words(client.get(f"/queue/{ticket.pk}/"))
    # It may be asked for again.
    assert ask(ticket, staff["rosa"]).is_waiting


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"reason": ""}, "This field is required."),
        ({"reason": "x" * 1001}, "Keep it under 1,000 characters"),
        ({"outcome": "999999"}, "This outcome does not hang on this ticket."),
        ({"outcome": "x"}, "This outcome does not hang on this ticket."),
        ({"outcome": ""}, "Choose what is to be done anew."),
    ],
)
def test_what_is_typed_wrong_is_said_and_kept(ticket, staff, max_, typed, said):
    asked = {"outcome": outcome("follow-up").pk, "reason": "Because it is gone."} | typed
    answer = signed_in(staff["rosa"]).post(f"/queue/{ticket.pk}/force/", asked)
    assert answer.status_code == 422
    assert said in words(answer)
    assert asked["reason"] in answer.content.decode()
    assert not ForcedEffect.objects.exists()


def test_an_outcome_of_another_ticket_is_not_forced_by_its_id(ticket, staff, max_):
    deal = outcome("deal")
    with pytest.raises(CannotForce, match="does not hang on this ticket"):
        forcing.ask(
            ticket_id=ticket.pk, outcome_id=deal.pk, reason="x", by=staff["rosa"],
            at=instant.now(),
        )  # fmt: skip


def test_without_a_second_manager_it_says_so(ticket, staff):
    page = signed_in(staff["rosa"]).get(f"/queue/{ticket.pk}/force/")
    assert "it takes a second RevOps manager" in words(page)
    assert 'name="reason"' not in page.content.decode()
    with pytest.raises(CannotForce, match="second RevOps manager"):
        ask(ticket, staff["rosa"])


def test_it_is_asked_for_once_at_a_time_and_not_on_what_is_closed(ticket, staff, max_):
    ask(ticket, staff["rosa"])
    with pytest.raises(CannotForce, match="asked for already"):
        ask(ticket, max_)
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=staff["rosa"], at=instant.now())
    answer = signed_in(max_).get(f"/queue/{ticket.pk}/force/")
    assert "This ticket is resolved." in words(answer)


def test_what_the_story_no_longer_asks_for_is_not_let_go(ticket, crm, staff, max_):
    asked = ask(ticket, staff["rosa"])
    say("completed", minute=5)
    page = signed_in(max_).get(page_of(asked))
    assert "It cannot be let go." in words(page)
    assert 'name="shown"' not in page.content.decode()
    with pytest.raises((CannotForce, Moved)):
        forcing.approve(asked_id=asked.pk, by=max_, at=instant.now())


def test_a_review_gate_of_its_contract_is_not_gone_around(ticket, staff, max_):
    asked = ask(ticket, staff["rosa"])
    contract = asked.outcome.contract
    for one in contract.outcomes:
        if one["name"] == "follow-up":
            one["gate"] = {"who": "role:operator", "within": 60}
    Contract.objects.filter(pk=contract.pk).update(outcomes=contract.outcomes)
    ahead = foreseeing.look(asked, by=max_, at=instant.now())
    assert ahead.verdict is Verdict.BLOCKED
    assert "It waits for the approval of a RevOps operator" in ahead.why
    foreseeing.approve(
        asked_id=asked.pk, shown=ahead.fingerprint, comment="", by=max_, at=instant.now()
    )
    made = Outcome.objects.get(key__endswith="/anew-1")
    assert (made.state, made.approval.asked_by) == ("held", staff["rosa"])


# --- Its place in the story ----------------------------------------------------------------------
def let_go(ticket, staff, max_):
    """The old one and the one that took its place."""
    asked = ask(ticket, staff["rosa"])
    made = forcing.approve(asked_id=asked.pk, by=max_, at=instant.now()).made
    return Outcome.objects.get(pk=asked.outcome_id), made


def test_it_is_there_again_once_the_story_went_away_and_came_back(ticket, crm, staff, max_):
    titled = {"field": "title", "op": "is", "value": "Website relaunch"}
    Contract.objects.filter(slug="sent").update(condition=titled)
    Outcome.objects.filter(name="follow-up").update(state="proven", proven_at=instant.now())
    old, made = let_go(desk_ticket_on(outcome("follow-up")), staff, max_)
    say("viewed", minute=3, name="Another name")
    made.refresh_from_db()
    assert made.state == "cancelled"
    say("viewed", minute=4)
    old.refresh_from_db()
    made.refresh_from_db()
    assert (made.state, made.unwanted_at) == ("due", None)
    assert old.unwanted_at is not None


def test_what_was_done_of_the_old_one_stays_also_when_it_is_proven_later(ticket, staff, max_):
    Outcome.objects.filter(name="follow-up").update(
        state="delivered", delivered_at=instant.now(), external_id="task-7"
    )
    old, _ = let_go(ticket, staff, max_)
    assert (old.state, old.undo) == ("delivered", "task.complete")
    assert promising.undo(old, at=instant.now()) is None


def test_the_trail_says_what_the_old_one_was_and_became(ticket, staff, max_):
    old, made = let_go(ticket, staff, max_)
    line = TrailLine.objects.get(what="outcome.replaced")
    assert (line.subject_id, line.record) == (str(old.pk), old.record)
    assert line.before == {"state": "given_up"}
    assert line.after == {"outcome": old.kind, "state": "cancelled", "in its place": made.key}
    assert line.why == "A new effect takes its place; Max Hale let it go."


def test_a_replay_says_that_another_one_stands_in_its_place(ticket, staff, max_):
    Outcome.objects.filter(name="follow-up").update(state="proven", proven_at=instant.now())
    old, _ = let_go(desk_ticket_on(outcome("follow-up")), staff, max_)
    line = judging.replay(
        old, Versions.THEN, replay_facts.of([old]), (), by=staff["olivia"], at=instant.now()
    )
    assert line.verdict is Verdict.SUPPRESSED
    assert line.why == "A new effect takes its place; Max Hale let it go."


def test_what_was_replaced_is_not_asked_for_again(ticket, staff, max_):
    old, _ = let_go(ticket, staff, max_)
    assert forcing.refusal(old) == "A new effect has taken its place already."


def test_what_the_story_no_longer_asks_for_is_not_even_asked_for(ticket, staff, max_):
    say("completed", minute=5)
    with pytest.raises(CannotForce, match="It is not asked for any more"):
        forcing.ask(
            ticket_id=desk_ticket_on(outcome("follow-up")).pk, outcome_id=outcome("follow-up").pk,
            reason="It is gone.", by=staff["rosa"], at=instant.now(),
        )  # fmt: skip


def test_where_its_ticket_became_a_part_of_another_it_stands_there(ticket, staff, max_):
    asked = ask(ticket, staff["rosa"])
    other = open_one("two", subject="outcome:two", kind=ticket.kind)
    merging.merge(ticket_id=ticket.pk, into_id=other.pk, by=staff["rosa"], at=instant.now())
    made = forcing.approve(asked_id=asked.pk, by=max_, at=instant.now()).made
    place = other.all_occurrences.get(subject=made.ref)
    assert place.settled_at is None
    told = words(signed_in(max_).get(f"/queue/{other.pk}/"))
    assert "Max Hale let a new effect go" in told
    assert Notice.objects.get(key=f"forced:{asked.pk}:decided").url == f"/queue/{other.pk}/"


# --- The old one stands back ----------------------------------------------------------------------
@pytest.fixture
def replaced(ticket, staff, max_):
    """A task that was delivered and not yet proven, and the one that took its place."""
    Outcome.objects.filter(name="follow-up").update(
        state="delivered", delivered_at=instant.now(), external_id="task-7"
    )
    return let_go(ticket, staff, max_)


def test_what_was_replaced_is_not_retried_and_says_what_took_its_place(replaced, staff):
    old, made = replaced
    with pytest.raises(steering.Replaced) as error:
        retrying.retry_outcome(outcome_id=old.pk, by=staff["olivia"], at=instant.now())
    assert str(error.value) == f"A new effect took its place, under the key {made.key}."
    assert error.value.by == made
    old.refresh_from_db()
    assert (old.state, old.external_id) == ("delivered", "task-7")
    assert not TrailLine.objects.filter(what="outcome.retried").exists()
    # What took its place is.
    retrying.retry_outcome(outcome_id=made.pk, by=staff["olivia"], at=instant.now())


def test_its_page_offers_no_retry_and_links_to_what_took_its_place(replaced, staff):
    old, made = replaced
    client = signed_in(staff["olivia"])
    page = client.get(f"/outcomes/{old.pk}/")
    said = f"A new effect took its place, under the key {made.key}."
    assert said in words(page)
    assert f"/outcomes/{old.pk}/retry/" not in page.content.decode()
    assert f'href="/outcomes/{made.pk}/"' in page.content.decode()
    assert f"/outcomes/{made.pk}/retry/" in client.get(f"/outcomes/{made.pk}/").content.decode()


def test_a_page_from_before_is_refused_with_the_link_and_comes_to_know_of_it(ticket, staff, max_):
    client = signed_in(staff["olivia"])
    Outcome.objects.filter(name="follow-up").update(state="delivered", delivered_at=instant.now())
    before = client.get(f"/outcomes/{outcome('follow-up').pk}/").content.decode()
    old, made = let_go(ticket, staff, max_)
    link = f'<a href="/outcomes/{made.pk}/">Show it</a>'
    answer = client.post(f"/outcomes/{old.pk}/retry/", headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert f"under the key {made.key}. {link}" in answer.content.decode()
    plain = client.post(f"/outcomes/{old.pk}/retry/")
    assert link in client.get(plain.headers["Location"]).content.decode()
    seen = re.search(r"\?seen=([^\"]+)", before)[1]
    part = client.get(f"/outcomes/{old.pk}/?seen={seen}", headers={"HX-Request": "true"})
    assert part.status_code == 200
