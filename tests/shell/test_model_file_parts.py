"""Who plays which part, in the operating model file."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connectors import parts
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy import roles
from meshline.policy.models import SystemRole
from meshline.shell.model_file import plan as model_file
from meshline.shell.model_file import telling, writing
from meshline.shell.model_file.refused import Refused
from tests.factories import connected, hubspot, pandadoc

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two(staff):
    pandadoc()
    hubspot()
    connected("hubspot", slug="hubspot-eu")


def apply(text, by=SETUP):
    done = model_file.apply(text.encode(), by=by, at=instant.now())
    return [*telling.lines(done), telling.summary(done)]


def test_an_export_says_who_plays_which_part_and_changes_nothing():
    text = writing.export()
    assert "plays:\n  - crm" in text
    assert apply(text) == ["No differences."]
    parts.play(part="crm", slug="hubspot-eu", by=SETUP, at=instant.now())
    assert apply(text)[-1] == "1 changed."
    assert roles.connection_for("crm") == "hubspot"
    SystemRole.objects.all().delete()
    apply(text)
    assert writing.export() == text


@pytest.mark.parametrize("first", ["hubspot", "hubspot-eu"])
def test_a_part_goes_from_one_to_another_in_either_order(first):
    entries = {
        "hubspot": "- {slug: hubspot, plays: []}\n",
        "hubspot-eu": "- {slug: hubspot-eu, plays: [crm]}\n",
    }
    ordered = [entries.pop(first), *entries.values()]
    apply(f"connections:\n{''.join(ordered)}")
    assert roles.connection_for("crm") == "hubspot-eu"


def test_a_new_connection_takes_a_part_in_the_file_that_brings_it():
    said = apply("connections:\n- {slug: crm-2, system: hubspot, plays: [crm]}\n")
    assert said[0] == "+ connection crm-2"
    assert roles.connection_for("crm") == "crm-2"


def test_a_manager_may_give_a_part_away_by_file_and_an_admin_may_not(staff):
    text = "connections:\n- {slug: hubspot-eu, plays: [crm]}\n"
    with pytest.raises(Refused, match="may not change the operating model"):
        apply(text, by=staff["ada"])
    apply(text, by=staff["rosa"])
    assert roles.connection_for("crm") == "hubspot-eu"


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("connections:\n- slug: hubspot\n  plays: [boss]\n", 3, "There is no part “boss”"),
        ("connections:\n- slug: hubspot\n  plays: crm\n", 3, "write a list"),
        ("connections:\n- slug: hubspot\n  plays: [crm, crm]\n", 3, "named twice"),
        ("connections:\n- slug: hubspot\n  plays: [[crm]]\n", 3, "This is a list"),
        ("connections:\n- slug: pandadoc\n  plays: [crm]\n", 3, "only sends"),
        (
            "connections:\n- {slug: hubspot, plays: [crm]}\n- {slug: hubspot-eu, plays: [crm]}\n",
            3, "crm stands in the connection hubspot on line 2, too",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_line(text, line, sentence):
    before = writing.export()
    with pytest.raises(Refused) as caught:
        apply(text)
    assert f"line {line}: " in str(caught.value)
    assert sentence in str(caught.value)
    assert writing.export() == before


def test_nobody_makes_another_one_billing_alone_by_a_file_either(staff):
    connected("stripe")
    connected("stripe", slug="stripe-eu")
    text = "connections:\n- {slug: stripe-eu, plays: [billing]}\n"
    with pytest.raises(Refused, match="a second person publishes it"):
        apply(text, by=staff["rosa"])
    assert roles.connection_for("billing") == "stripe"
    apply(text)
    assert roles.connection_for("billing") == "stripe-eu"


def test_a_file_that_gives_parts_away_locks_no_row_before_no_proposal_is_told():
    connected("stripe")
    connected("stripe", slug="stripe-eu")
    with CaptureQueriesContext(connection) as asked:
        apply("connections:\n- {slug: stripe-eu, plays: [billing]}\n")
    locks = [one["sql"] for one in asked if "FOR UPDATE" in one["sql"] or "advisory" in one["sql"]]
    # One apply at a time, then whose word counts, then the first row.
    assert ["advisory" in one for one in locks[:3]] == [True, True, False]
