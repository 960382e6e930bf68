"""The escalation in the browser and in the file: who reads and changes it, and what is refused."""

import re

import pytest

from exceptions import escalation_terms
from exceptions.models import Escalation
from meshline.audit.models import TrailLine
from meshline.policy.operating_model import ModelError, Stale
from tests.exceptions.conftest import MONDAY, open_one
from tests.factories import reread
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

URL = "/operating-model/escalation/"
CHANGE = f"{URL}change/"


def fields(answer):
    found = re.findall(r'<input type="(?:text|number|hidden)"[^>]*>', answer.content.decode())
    pairs = [(re.search(r'name="(\w+)"', one), re.search(r'value="([^"]*)"', one)) for one in found]
    return {name.group(1): value.group(1) for name, value in pairs if name and value}


def test_everybody_reads_it_in_sentences(as_, staff):
    page = words(as_(staff["vera"]).get(URL))
    assert "50 % Whoever has it reads a quiet mark" in page
    assert "15 min It goes to the second on call of its team." in page
    assert "4 h It goes to who is accountable." in page
    assert "7 days What comes back within that time reopens its ticket" in page
    assert "3 of 4 weeks A cause that came back in so many of the last weeks" in page
    assert "5 times in 28 days So does the same fix by hand" in page
    assert "Version 1." in page
    assert "Ask a RevOps manager." in page


def test_a_manager_changes_it_and_it_is_on_the_trail(as_, rosa, ticket):
    client = as_(rosa)
    shown = fields(client.get(CHANGE))
    assert (shown["secondary_after"], shown["quiet_at"]) == ("15 min", "50")
    answer = client.post(CHANGE, {**shown, "secondary_after": "20", "reopens_within": "14"})
    assert (answer.status_code, answer.headers["Location"]) == (303, URL)
    row = Escalation.objects.get()
    assert (row.secondary_after, row.reopens_within, row.version) == (20, 14, 2)
    line = TrailLine.objects.get(what="escalation.changed")
    assert (line.before["second on call after"], line.after["second on call after"]) == (15, 20)
    assert reread(ticket).next_step_at == MONDAY
    page = words(client.get(URL))
    assert "Version 2 of the escalation is in force" in page
    assert "Version 2, changed by Rosa Marin (RevOps manager)" in page


def test_saving_it_as_it_is_changes_nothing(as_, rosa):
    client = as_(rosa)
    client.post(CHANGE, fields(client.get(CHANGE)))
    assert Escalation.objects.get().version == 1
    assert not TrailLine.objects.filter(what="escalation.changed").exists()


@pytest.mark.parametrize(
    ("typed", "name", "sentence"),
    [
        ({"owner_at": "50"}, "owner_at", "Make it more than “quiet mark”."),
        ({"lead_after": "14"}, "lead_after", "Make it more than “second on call after”."),
        ({"quiet_at": "half"}, "quiet_at", "Write a whole number of percent, such as 80."),
        ({"quiet_at": "0"}, "quiet_at", "Make it at least 1."),
        ({"accountable_at": "1001"}, "accountable_at", "Make it at most 1000 %."),
        ({"again_after": "soon"}, "again_after", "Write business minutes or hours"),
        ({"again_after": "9999 h"}, "again_after", "This is longer than a working year"),
        ({"reopens_within": ""}, "reopens_within", "Write a whole number of days, such as 7."),
        ({"reopens_within": "366"}, "reopens_within", "Make it at most 365 days."),
        ({"recurs_in_weeks": "5"}, "recurs_in_weeks", "Make it at most as many as"),
        ({"recurs_in_weeks": "1"}, "recurs_in_weeks", "Make it 2 to 52."),
        ({"same_fix_times": "many"}, "same_fix_times", "Write a whole number, such as 3."),
        ({"same_fix_within": "0"}, "same_fix_within", "Make it at least 1."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_the_rest_is_kept(as_, rosa, typed, name, sentence):
    client = as_(rosa)
    asked = {**fields(client.get(CHANGE)), "secondary_after": "14 min", **typed}
    answer = client.post(CHANGE, asked)
    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[name])
    assert 'value="14 min"' in answer.content.decode()
    assert Escalation.objects.get().version == 1


def test_two_at_once_the_second_is_told_what_changed_meanwhile(as_, rosa):
    client = as_(rosa)
    shown = fields(client.get(CHANGE))
    escalation_terms.change({"quiet_at": 40}, by=rosa, at=MONDAY)
    answer = client.post(CHANGE, {**shown, "owner_at": "70"})
    assert answer.status_code == 409
    assert "Another window of yours changed this meanwhile" in words(answer)
    assert 'value="70"' in answer.content.decode()
    assert client.post(CHANGE, {**fields(answer), "quiet_at": "45"}).status_code == 303
    assert Escalation.objects.get().quiet_at == 45


def test_the_verb_refuses_what_the_form_would(rosa):
    with pytest.raises(ModelError, match="more than"):
        escalation_terms.change({"lead_at": 200}, by=rosa, at=MONDAY)
    with pytest.raises(Stale):
        escalation_terms.change({"lead_at": 110}, by=rosa, at=MONDAY, seen={"version": 0})


def test_an_installation_without_a_row_has_the_starting_numbers(staff, rosa):
    Escalation.objects.all().delete()
    assert escalation_terms.in_force().secondary_after == 15
    escalation_terms.change({"secondary_after": 10}, by=rosa, at=MONDAY)
    assert Escalation.objects.get().secondary_after == 10
    open_one()
