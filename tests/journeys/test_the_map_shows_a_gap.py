"""A path whose CRM connection was taken away shows the gap in red, with the way to mend it."""

import re

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy.models import SystemRole
from proposals import outbox
from tests import factories
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db


def red_boxes(answer):
    """What stands in the drawing's red boxes; where one leads somewhere its link has the title."""
    red = r'<g class="map-box is-gap">'
    found = re.findall(
        rf"<title>([^<]*)</title>\s*{red}|{red}\s*<title>([^<]*)</title>", answer.text
    )
    return [linked or plain for linked, plain in found]


def test_a_path_whose_crm_was_taken_away_shows_the_gap_in_red(staff):
    factories.pandadoc()
    factories.hubspot()
    factories.stripe(credential="rk_test_1")
    rosa = signed_in(staff["rosa"])

    # From the operating model to the map, as one clicks; the path of "sent" is whole.
    model = rosa.get("/operating-model/")
    assert 'href="/operating-model/map/"' in model.text
    assert 'href="/operating-model/lints/"' in model.text
    index = rosa.get("/operating-model/map/")
    assert 'href="/operating-model/map/sent/"' in index.text
    page = rosa.get("/operating-model/map/sent/")
    assert red_boxes(page) == []
    assert "Follow up in HubSpot" in page.text or "Follow up in HubSpot (the CRM)" in page.text

    # The CRM is taken away: nothing plays its part any more.
    SystemRole.objects.filter(role="crm").delete()
    page = rosa.get("/operating-model/map/sent/")
    assert red_boxes(page) == [
        "Outcome: Deal in the CRM: nothing plays it", "Outcome: Follow up in the CRM: nothing "
        "plays it",
    ]  # fmt: skip
    said = words(page)
    assert (
        "Deal (deal.upsert) after sent has no connection: nothing plays the part of the CRM."
        in said
    )
    assert 'href="/connections/"' in page.text
    row = re.search(r'href="/operating-model/map/sent/">Sent</a>.*?</tr>',
                    rosa.get("/operating-model/map/").text, re.DOTALL).group()  # fmt: skip
    assert "2 to mend" in row
    assert "no connection" in words(rosa.get("/operating-model/lints/?grade=error"))

    # Mended where it points to: the part is played again, and the path is whole.
    SystemRole.objects.create(role="crm", connection="hubspot")
    outbox.play_role(role="crm", slug="hubspot", at=instant.now())
    assert red_boxes(rosa.get("/operating-model/map/sent/")) == []
    assert SETUP
