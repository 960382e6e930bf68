"""The operating model as a file, taken along in the browser."""

import io
from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed, Role
from meshline.shell.model_file import writing
from tests import factories
from tests.reading import signed_in

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FILE = "/operating-model/file/"
ACTION = "Download as a file"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["rosa", "ada"])
def test_it_is_what_the_command_writes_to_the_byte(staff, name):
    factories.person("jörg@example.com", "Jörg Weiß", Role.REP)
    written = io.StringIO()
    call_command("operating_model", "export", stdout=written)
    with instant.stopped(MONDAY):
        answer = signed_in(staff[name]).get(FILE)
    assert answer.content == written.getvalue().encode()
    assert answer["Content-Disposition"] == 'attachment; filename="operating-model-2026-11-23.yaml"'
    assert answer["Content-Type"] == "application/yaml; charset=utf-8"


@pytest.mark.parametrize("name", ["rosa", "ada"])
def test_who_keeps_the_model_finds_it_on_its_page(staff, name):
    page = signed_in(staff[name]).get("/operating-model/").content.decode()
    assert ACTION in page
    assert f'href="{FILE}"' in page


@pytest.mark.parametrize("name", ["olivia", "remy", "vera"])
def test_others_do_not_see_it_and_are_refused(staff, name):
    client = signed_in(staff[name])
    assert ACTION not in client.get("/operating-model/").content.decode()
    refused = client.get(FILE)
    assert refused.status_code == 403
    assert "may not download the operating model as a file" in refused.content.decode()
    with pytest.raises(NotAllowed):
        writing.hand_out(by=staff[name], at=MONDAY)
    assert not TrailLine.objects.filter(what="operating-model.exported").exists()


def test_the_trail_says_who_took_it(staff):
    signed_in(staff["ada"]).get(FILE)
    line = TrailLine.objects.get(what="operating-model.exported")
    assert (line.actor_id, line.subject_id) == (str(staff["ada"].pk), str(staff["ada"].pk))
