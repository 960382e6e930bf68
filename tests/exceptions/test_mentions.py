"""Whom a note mentions hears of it; a mention of nobody is refused with its word."""

import pytest

from exceptions import desk, linking, mentions
from exceptions.models import TicketNote
from exceptions.states import MoveError
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.models import User
from tests import factories
from tests.exceptions.conftest import HTMX, MONDAY, open_one

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@Rosa Marin, can you look?", {"Rosa Marin"}),
        ("can @rosa look?", {"Rosa Marin"}),
        ("(@rosa@example.com)", {"Rosa Marin"}),
        ("Ask @ROSA@Example.com.", {"Rosa Marin"}),
        ("@Rosa\N{RIGHT SINGLE QUOTATION MARK}s idea", None),
        ("@Rosa and @Vera Lind and @rosa again", {"Rosa Marin", "Vera Lind"}),
        ("mail rosa@example.com, at @ noon", set()),
        ("no mention at all", set()),
        ("@Rosa Marinella", {"Rosa Marin"}),
    ],
)
def test_names_and_addresses_after_an_at_are_people(text, names):
    if names is None:
        with pytest.raises(ValueError, match="is nobody here"):
            mentions.people_in(text)
        return
    assert {user.name for user in mentions.people_in(text)} == names


def test_of_two_with_a_first_name_neither_is_meant(rosa):
    factories.person("rosa.diaz@example.com", "Rosa Diaz", "operator")
    with pytest.raises(ValueError, match="@Rosa may be Rosa Diaz or Rosa Marin"):
        mentions.people_in("@Rosa, look")
    assert mentions.people_in("@Rosa Diaz, look")[0].name == "Rosa Diaz"


def test_the_longer_of_two_names_is_meant(rosa):
    longer = factories.person("rosa.m@example.com", "Rosa Marin Soto", "operator")
    assert mentions.people_in("@Rosa Marin Soto, look") == [longer]
    assert mentions.people_in("@Rosa Marin, look") == [rosa]


def test_the_mentioned_is_told_once_with_the_way_to_the_note(ticket, olivia, rosa):
    note = desk.note(ticket_id=ticket.pk, text="@Rosa @Rosa Marin look", by=olivia, at=MONDAY)
    notice = Notice.objects.of(rosa).get(kind="mention")
    assert notice.text == "Olivia Ortiz mentions you: Delivery of one failed"
    assert notice.url == f"/queue/{ticket.pk}/#note-{note.pk}"


def test_who_mentions_themselves_is_not_told(ticket, olivia):
    desk.note(ticket_id=ticket.pk, text="@Olivia look again", by=olivia, at=MONDAY)
    assert not Notice.objects.filter(kind="mention").exists()


@pytest.mark.parametrize("word", ["Nobody", "zoe@example.com", "5", "<b>"])
def test_a_mention_of_nobody_is_refused_with_its_word(ticket, olivia, word):
    with pytest.raises(ValueError, match=f"^@{word} is nobody here"):
        desk.note(ticket_id=ticket.pk, text=f"@{word} look", by=olivia, at=MONDAY)
    assert not TicketNote.objects.exists()


def test_who_left_is_nobody(ticket, olivia, rosa):
    User.objects.filter(pk=rosa.pk).update(is_active=False)
    with pytest.raises(ValueError, match="@Rosa is nobody here"):
        desk.note(ticket_id=ticket.pk, text="@Rosa look", by=olivia, at=MONDAY)


@pytest.mark.parametrize("name", ["Remy", "Sam"])
def test_who_may_not_see_the_ticket_is_not_mentioned(ticket, olivia, name):
    with pytest.raises(ValueError, match=f"{name} .* may not see this ticket"):
        desk.note(ticket_id=ticket.pk, text=f"@{name} look", by=olivia, at=MONDAY)
    assert not Notice.objects.filter(kind="mention").exists()
    assert not TicketNote.objects.exists()


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["form", "htmx"])
def test_the_typed_text_is_kept_beside_the_refusal(as_, olivia, ticket, headers):
    typed = "A long story for @Nobody <b>of us</b>."
    answer = as_(olivia).post(f"/queue/{ticket.pk}/note/", {"text": typed}, headers=headers)
    assert answer.status_code == 422
    assert "@Nobody is nobody here." in answer.text
    assert "A long story for @Nobody &lt;b&gt;of us&lt;/b&gt;." in answer.text


# --- Links to other tickets ------------------------------------------------------------------
def test_a_link_stands_on_both_and_in_both_stories(as_, olivia, ticket):
    other = open_one("other")
    linking.link(ticket_id=other.pk, other_id=ticket.pk, by=olivia, at=MONDAY)
    page = as_(olivia)
    assert f'href="/queue/{other.pk}/"' in page.get(f"/queue/{ticket.pk}/").text
    assert f'href="/queue/{ticket.pk}/"' in page.get(f"/queue/{other.pk}/").text
    told = TrailLine.objects.filter(what="ticket.linked").values_list("subject_id", flat=True)
    assert set(told) == {str(ticket.pk), str(other.pk)}


def test_two_tickets_are_linked_once_from_whichever_side(olivia, ticket):
    other = open_one("other")
    linking.link(ticket_id=ticket.pk, other_id=other.pk, by=olivia, at=MONDAY)
    with pytest.raises(MoveError, match="linked already"):
        linking.link(ticket_id=other.pk, other_id=ticket.pk, by=olivia, at=MONDAY)
    linking.unlink(ticket_id=other.pk, other_id=ticket.pk, by=olivia, at=MONDAY)
    with pytest.raises(MoveError, match="not linked"):
        linking.unlink(ticket_id=ticket.pk, other_id=other.pk, by=olivia, at=MONDAY)


def test_a_ticket_is_linked_neither_to_itself_nor_to_one_out_of_sight(staff, olivia, ticket):
    with pytest.raises(ValueError, match="to itself"):
        linking.link(ticket_id=ticket.pk, other_id=ticket.pk, by=olivia, at=MONDAY)
    theirs = open_one("sales", owner=staff["sam"])
    with pytest.raises(ValueError, match=f"no ticket {ticket.pk} that you may see"):
        linking.link(ticket_id=theirs.pk, other_id=ticket.pk, by=staff["sam"], at=MONDAY)


@pytest.mark.parametrize(
    "shape", ["{}", "#{}", "/queue/{}/", "https://meshline.example/queue/{}/#x"]
)
def test_the_other_ticket_is_named_by_number_or_address(as_, olivia, ticket, shape):
    other = open_one("other")
    typed = {"other": shape.format(other.pk)}
    answer = as_(olivia).post(f"/queue/{ticket.pk}/link/", typed)
    assert answer.status_code == 303
    assert linking.linked(ticket, olivia) == [other]
