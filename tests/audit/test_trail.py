"""A change and its line happen together or not at all, and lines of many hands make one chain."""

import threading

import pytest
from django.db import DatabaseError, IntegrityError, connection

from exceptions.models import Ticket
from meshline import instant
from meshline.audit import trail, verify
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine, TrailLink
from meshline.people.models import Team
from meshline.shell import database_roles
from proposals import lifecycle
from proposals.lifecycle import Conflict
from proposals.models import Outcome, Proposal, Signal, Transition
from proposals.states import State
from tests.factories import digest_all, document, post_pandadoc


class TrailBroken(Exception):
    """The trail cannot be written."""


@pytest.fixture
def broken_trail(monkeypatch):
    def breaks(lines):
        raise TrailBroken

    monkeypatch.setattr(trail, "record_all", breaks)


@pytest.fixture
def sent(pandadoc):
    return sent_as("doc-1")


def sent_as(doc):
    post_pandadoc([document("sent", id=doc)], event_id=f"event-{doc}")
    digest_all()
    return Proposal.objects.get(external_id=doc)


def all_there_is():
    tables = (Proposal, Signal, Transition, Outcome, Ticket, TrailLine)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def move(proposal, to, by, **more):
    asked = {"version": proposal.version, "reason": "The customer said so.", **more}
    return lifecycle.move(proposal_id=proposal.pk, to=to, by=by, at=instant.now(), **asked)


def assign(proposal, owner, by, **more):
    asked = {"version": proposal.version, "reason": "They know the customer.", **more}
    return lifecycle.assign(proposal_id=proposal.pk, owner=owner, by=by, at=instant.now(), **asked)


# --- Together or not at all ------------------------------------------------------------------
def test_a_move_without_its_trail_line_does_not_happen(sent, rosa, broken_trail):
    before = all_there_is()
    with pytest.raises(TrailBroken):
        move(sent, State.CLOSED_LOST, rosa)
    assert all_there_is() == before


def test_an_owner_without_its_trail_line_does_not_change(sent, rosa, olivia, broken_trail):
    before = all_there_is()
    with pytest.raises(TrailBroken):
        assign(sent, olivia, rosa)
    assert all_there_is() == before


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_linked_at_commit_does_not_happen_either(sent, rosa):
    before = all_there_is()
    length = verify.chain().length
    with _a_full_chain(length), pytest.raises(IntegrityError, match="chain_is_full"):
        move(sent, State.CLOSED_LOST, rosa)
    assert all_there_is() == before
    assert verify.chain().length == length


class _a_full_chain:
    """Let the head take no further link for a while."""

    def __init__(self, length):
        self.length = length

    def __enter__(self):
        check = f"ADD CONSTRAINT chain_is_full CHECK (position <= {self.length})"
        self._alter(check)

    def __exit__(self, *error):
        self._alter("DROP CONSTRAINT chain_is_full")

    def _alter(self, change):
        with database_roles.as_owner(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE audit_chainhead {change}")


@pytest.mark.django_db(transaction=True)
def test_a_line_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="in the transaction of its change"):
        trail.record("x.y", subject=Team.objects.first(), by=SETUP, at=instant.now())


# --- Many hands ------------------------------------------------------------------------------
def side_by_side(acts):
    """Each act in a thread and connection of its own, all let go at once; what each raised."""
    gate, raised = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        gate.wait()
        try:
            act()
        except (Conflict, DatabaseError) as error:
            raised[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return raised


@pytest.mark.django_db(transaction=True)
def test_twenty_verbs_at_once_make_one_chain_without_a_fork(pandadoc, rosa, olivia):
    proposals = [sent_as(f"doc-{place}") for place in range(20)]
    before = verify.chain()
    raised = side_by_side([lambda p=p: assign(p, olivia, rosa) for p in proposals])
    assert raised == [None] * 20
    after = verify.chain()
    assert after.holds
    assert after.length - before.length == TrailLine.objects.count() - before.length
    previous = [bytes(link.previous) for link in TrailLink.objects.all()]
    assert len(set(previous)) == len(previous) == after.length


@pytest.mark.django_db(transaction=True)
def test_of_twenty_people_who_move_one_proposal_one_wins_and_nineteen_hear_who(sent, rosa):
    raised = side_by_side([lambda: move(sent, State.CLOSED_LOST, rosa) for _ in range(20)])
    lost = [error for error in raised if error is not None]
    assert len(lost) == 19
    assert {str(error).partition(" changed")[0] for error in lost} == {
        "Rosa Marin (RevOps manager)"
    }
    assert Transition.objects.filter(proposal=sent).count() == sent.version + 1
    assert verify.chain().holds
