"""Runbooks: written, versioned, brought back, shown on tickets; and what is refused."""

import re

import pytest
from django.db import IntegrityError, transaction

from exceptions import runbooks
from exceptions.kinds import KINDS
from exceptions.models import Runbook
from exceptions.runbook_defaults import DEFAULTS
from exceptions.runbooks import Place
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.policy.operating_model import ModelError, Stale
from meshline.shell import founding
from tests.exceptions.conftest import HTMX, MONDAY, TrailBroken, open_one
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]
FAILED = Place("delivery-failed")
REJECTED = Place("delivery-failed", "rejected")
URL = "/operating-model/runbooks/delivery-failed/"
CHANGE = f"{URL}change/"


def seen(answer):
    return re.search(r'name="seen" value="(\d+)"', answer.content.decode())[1]


def publish(by, words="1. Look.", place=FAILED, **changes):
    return runbooks.publish(place, text=words, by=by, at=MONDAY, **changes)


# --- What is there -----------------------------------------------------------------------------
def test_every_kind_comes_with_a_runbook(staff):
    assert DEFAULTS.keys() == KINDS.keys()
    live = dict(Runbook.objects.live().values_list("kind", "text"))
    assert live == {kind: text.strip() for kind, text in DEFAULTS.items()}


def test_founding_again_leaves_what_people_wrote(rosa):
    publish(rosa, "Ours.")
    founding.found()
    assert runbooks.in_force(FAILED).text == "Ours."
    assert Runbook.objects.of("delivery-failed").count() == 2


def test_a_failure_with_its_own_text_shows_that_and_others_show_the_kinds(rosa, olivia, as_):
    publish(rosa, "1. For rejected.", REJECTED)
    client = as_(olivia)
    rejected = open_one("a", failure="rejected", subject="outcome:a")
    other = open_one("b", failure="unavailable", subject="outcome:b")
    assert "For rejected." in words(client.get(f"/queue/{rejected.pk}/"))
    assert "Retry from here." in words(client.get(f"/queue/{other.pk}/"))
    publish(rosa, "", REJECTED)
    assert "Retry from here." in words(client.get(f"/queue/{rejected.pk}/"))


def test_a_kind_without_a_text_says_so(rosa, olivia, as_):
    publish(rosa, "")
    told = words(as_(olivia).get(f"/queue/{open_one().pk}/"))
    assert "Nothing is written down for delivery failed yet." in told


def test_markup_stays_text_and_only_addresses_of_pages_are_links(rosa, olivia, as_):
    publish(
        rosa,
        '1. <script>alert(1)</script> [x](javascript:alert(2))\n2. https://a.example/"onclick="x',
    )
    ticket = open_one()
    for address in (f"/queue/{ticket.pk}/", URL):
        page = as_(olivia).get(address).content.decode()
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert 'href="javascript' not in page
        assert 'href="https://a.example/"' in page
        assert 'rel="noopener noreferrer"' in page
        assert '"onclick=' not in page


# --- Writing it ----------------------------------------------------------------------------------
def test_a_manager_writes_it_and_it_is_on_the_trail(as_, rosa):
    client = as_(rosa)
    form = client.get(CHANGE)
    assert "Retry from here." in words(form)
    typed = {"text": "1. Look.\r\n2. Act.", "note": "Shorter", "seen": seen(form)}
    answer = client.post(CHANGE, typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, URL)
    row = runbooks.in_force(FAILED)
    assert (row.number, row.text, row.note) == (2, "1. Look.\n2. Act.", "Shorter")
    line = TrailLine.objects.get(what="runbook.published")
    assert (line.before["version"], line.after["version"], line.why) == (1, 2, "Shorter")
    assert line.after["text"] == "1. Look.\n2. Act."
    page = words(client.get(URL))
    assert "Version 2 is in force." in page
    assert "Version 2, by Rosa Marin (RevOps manager)" in page
    assert "Line 1" in page
    assert "Retry from here" in page


def test_saving_it_as_it_is_makes_no_version(as_, rosa):
    client = as_(rosa)
    typed = {"text": DEFAULTS["delivery-failed"], "seen": seen(client.get(CHANGE))}
    assert client.post(CHANGE, typed).status_code == 303
    assert Runbook.objects.of("delivery-failed").count() == 1


def test_a_failure_gets_its_own_from_the_kinds_page(as_, rosa):
    open_one(failure="rejected")
    client = as_(rosa)
    assert '<option value="rejected">' in client.get(URL).content.decode()
    address = f"{CHANGE}?failure=rejected"
    form = client.get(address)
    assert "For tickets whose failure is rejected" in words(form)
    answer = client.post(address, {"text": "1. Map it.", "seen": seen(form)})
    assert answer.headers["Location"] == f"{URL}?failure=rejected"
    assert runbooks.in_force(REJECTED).text == "1. Map it."
    shelf = client.get("/operating-model/runbooks/").content.decode()
    assert f'href="{URL}?failure=rejected"' in shelf


def test_two_at_once_the_second_sees_what_the_first_wrote_and_keeps_their_own(as_, rosa):
    client = as_(rosa)
    was = seen(client.get(CHANGE))
    publish(rosa, "1. What the first wrote.")
    typed = {"text": "1. What the second typed.", "note": "Mine", "seen": was}
    answer = client.post(CHANGE, typed)
    assert answer.status_code == 409
    told = words(answer)
    assert "Rosa Marin (RevOps manager) changed this meanwhile" in told
    assert "1. What the first wrote." in told
    assert "1. What the second typed.</textarea>" in answer.content.decode()
    assert runbooks.in_force(FAILED).text == "1. What the first wrote."
    # Now they have seen it, and may.
    assert client.post(CHANGE, {**typed, "seen": seen(answer)}).status_code == 303
    assert runbooks.in_force(FAILED).text == "1. What the second typed."


def test_what_is_too_long_is_said_at_its_field_and_kept(as_, rosa):
    client = as_(rosa)
    typed = {"text": "x" * 10_001, "note": "Long", "seen": seen(client.get(CHANGE))}
    answer = client.post(CHANGE, typed)
    assert answer.status_code == 422
    assert "10000 characters" in " ".join(answer.context["form"].errors["text"])
    assert "x" * 10_001 in answer.content.decode()
    assert Runbook.objects.of("delivery-failed").count() == 1


@pytest.mark.parametrize("number", ["", "-1", "x", "9" * 30])
def test_a_version_that_is_none_is_refused(as_, rosa, number):
    answer = as_(rosa).post(CHANGE, {"text": "1. Mine.", "seen": number})
    assert answer.status_code in (409, 422)
    assert "1. Mine." in answer.content.decode()
    assert runbooks.in_force(FAILED).number == 1


def test_there_is_no_runbook_of_a_kind_that_there_is_not(as_, rosa):
    client = as_(rosa)
    for address in ("nothing/", f"delivery-failed/?failure={'x' * 81}"):
        assert client.get(f"/operating-model/runbooks/{address}").status_code == 404
    with pytest.raises(ModelError, match="no kind of ticket"):
        publish(rosa, place=Place("nothing"))


def test_only_a_manager_writes(olivia, staff):
    for user in (olivia, staff["ada"], staff["vera"], staff["sam"]):
        with pytest.raises(NotAllowed):
            publish(user)


def test_without_its_trail_line_it_is_not_written(rosa, broken_trail):
    broken_trail()
    with pytest.raises(TrailBroken):
        publish(rosa, "Ours.")
    assert runbooks.in_force(FAILED).number == 1


# --- Versions ----------------------------------------------------------------------------------
def test_one_click_brings_a_version_back_as_a_new_one(as_, rosa):
    first = runbooks.in_force(FAILED).text
    publish(rosa, "1. Worse.")
    client = as_(rosa)
    page = client.get(URL)
    assert "Roll back to it" in words(page)
    answer = client.post(f"{URL}versions/1/roll-back/", {"seen": "2"})
    assert (answer.status_code, answer.headers["Location"]) == (303, URL)
    row = runbooks.in_force(FAILED)
    assert (row.number, row.text, row.restores) == (3, first, 1)
    assert TrailLine.objects.get(what="runbook.rolled-back").after["version"] == 3


def test_a_roll_back_of_something_older_than_it_looks_does_nothing(as_, rosa):
    publish(rosa, "1. Worse.")
    publish(rosa, "1. Better.")
    answer = as_(rosa).post(f"{URL}versions/1/roll-back/", {"seen": "2"})
    assert answer.status_code == 409
    assert "Somebody else changed this meanwhile" in words(answer)
    assert "1. Better." in words(answer)
    assert runbooks.in_force(FAILED).number == 3


@pytest.mark.parametrize("number", [2, 7, 10**12])
def test_what_is_in_force_or_was_never_written_does_not_come_back(as_, rosa, number):
    publish(rosa, "1. Ours.")
    address = f"{URL}versions/{number}/roll-back/"
    answer = as_(rosa).post(address, {"seen": "2"}, headers=HTMX)
    assert answer.status_code == 409
    assert runbooks.in_force(FAILED).number == 2


def test_a_version_never_changes(rosa):
    row = publish(rosa, "1. Ours.")
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Runbook.objects.filter(pk=row.pk).update(text="Others'")
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Runbook.objects.filter(pk=row.pk).delete()


def test_stale_says_what_was_and_what_is(rosa):
    publish(rosa, "1. Ours.")
    with pytest.raises(Stale) as error:
        publish(rosa, "1. Mine.", seen=1)
    assert (error.value.seen["version"], error.value.now["text"]) == (1, "1. Ours.")


def test_everybody_reads_the_shelf_in_as_many_queries_as_ever(
    as_, staff, rosa, django_assert_max_num_queries
):
    client = as_(staff["remy"])
    client.get("/operating-model/runbooks/")
    with django_assert_max_num_queries(20) as few:
        told = words(client.get("/operating-model/runbooks/"))
    assert "Permanent fix" in told
    assert "in 3 of the last 4 weeks" in told
    for number in range(10):
        publish(rosa, "1. Own.", Place("dispute", f"failure-{number}"))
    with django_assert_max_num_queries(len(few)):
        assert "failure-9" in words(client.get("/operating-model/runbooks/"))
