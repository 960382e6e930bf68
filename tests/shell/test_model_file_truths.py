"""Whose word counts, in the operating model file."""

from datetime import timedelta

import pytest

from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy.models import SourceOfTruth
from meshline.shell.model_file import plan as model_file
from meshline.shell.model_file import telling, writing
from meshline.shell.model_file.refused import Refused
from proposals.models import Proposal
from tests.factories import (
    MONDAY,
    digest_all,
    document,
    pandadoc,
    post_pandadoc,
    post_standard,
    standard,
)  # fmt: skip

pytestmark = pytest.mark.django_db

AGREED = """\
sources_of_truth:
- {record: proposal, field: amount, how: unless_blank, connection: pandadoc}
- {record: proposal, field: title, how: ask, connection: null}
- {record: proposal, field: owner_email, connection: null}
- {record: proposal, field: close, connection: people}
"""


@pytest.fixture(autouse=True)
def two(staff):
    pandadoc()
    standard("crm")


def plan(text):
    done = model_file.plan(text.encode(), by=SETUP, at=instant.now())
    return [*telling.lines(done), telling.summary(done)]


def apply(text):
    done = model_file.apply(text.encode(), by=SETUP, at=instant.now())
    return [*telling.lines(done), telling.summary(done)]


def both_told():
    post_pandadoc([document("sent")])
    body = {
        "type": "proposal.updated", "timestamp": (MONDAY + timedelta(minutes=1)).isoformat(),
        "data": {
            "id": "doc-1", "source": "pandadoc", "title": "Another name",
            "amount": {"amount": "990.00", "currency": "EUR"},
        },
    }  # fmt: skip
    post_standard(body, slug="crm")
    digest_all()


def test_what_is_agreed_goes_out_and_comes_back_the_same():
    said = apply(AGREED)
    assert "+ source of truth proposal amount" in said
    assert "    how: unless_blank" in said
    assert said[-1] == "3 added, 1 changed."
    text = writing.export()
    assert apply(text) == ["No differences."]
    SourceOfTruth.objects.all().delete()
    apply(text)
    assert writing.export() == text


def test_a_changed_how_keeps_its_connection_and_is_planned_as_that_alone():
    apply(AGREED)
    changed = "sources_of_truth:\n- {record: proposal, field: amount, how: always}\n"
    assert plan(changed) == [
        "~ source of truth proposal amount", "    how: unless_blank → always", "1 changed.",
    ]  # fmt: skip
    apply(changed)
    assert SourceOfTruth.objects.get(field="amount").connection == "pandadoc"


def test_proposals_follow_a_file_as_they_follow_the_browser():
    both_told()
    assert Proposal.objects.get().amount_words == "990.00 EUR"
    plan(AGREED)
    assert Proposal.objects.get().amount_words == "990.00 EUR"
    apply(AGREED)
    assert Proposal.objects.get().amount_words == "1,234.50 EUR"
    assert Ticket.objects.unresolved().get(kind="field-conflict").evidence["field"] == "title"
    gone = "- {record: proposal, field: %s, remove: true}\n"
    apply("sources_of_truth:\n" + gone % "amount" + gone % "title")
    assert Proposal.objects.get().amount_words == "990.00 EUR"
    assert not Ticket.objects.unresolved().filter(kind="field-conflict").exists()


ENTRY = "sources_of_truth:\n- record: proposal\n"


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        (f"{ENTRY}  field: amount\n", 2, "needs a connection"),
        (f"{ENTRY}  field: amount\n  how: never\n  connection: null\n", 4, "none of always"),
        (f"{ENTRY}  field: amount\n  how: [ask]\n  connection: null\n", 4, "none of always"),
        (f"{ENTRY}  field: amount\n  connection: hubpsot\n", 4, "no authority “hubpsot”"),
        (f"{ENTRY}  field: amount\n  connection: people\n", 4, "choose “Ask a person”"),
        (f"{ENTRY}  field: amount\n  how: ask\n  connection: crm\n", 5, "takes no connection"),
        (f"{ENTRY}  field: close\n  how: ask\n", 4, "A move has one authority"),
        (f"{ENTRY}  field: currency\n  connection: null\n", 3, "no move or field “currency”"),
        ("sources_of_truth:\n- record: lead\n  field: amount\n  connection: null\n", 2, "no kind"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_nothing_by_half(text, line, sentence):
    before = writing.export()
    with pytest.raises(Refused) as caught:
        apply(text)
    assert f"line {line}: " in str(caught.value)
    assert sentence in str(caught.value)
    assert writing.export() == before
