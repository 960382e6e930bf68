"""Mappings in the operating model file: the same verb, versions and trail as on the screens."""

import pytest

from connectors import mappings
from connectors.models import MappingVersion
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.shell.model_file import plan as model_file
from meshline.shell.model_file import telling, writing
from meshline.shell.model_file.refused import Refused
from tests.factories import connected, pandadoc, standard

pytestmark = pytest.mark.django_db

ENTRY = "mappings:\n- connection: pandadoc\n"
MAPPED = f"{ENTRY}  words: {{document.legal: sent}}\n  fields: {{owner_email: data.metadata.rep}}\n"


@pytest.fixture(autouse=True)
def connections(staff):
    return pandadoc(), standard(), connected("hubspot"), connected("slack")


def lines(act, text, by=SETUP):
    done = act(text.encode(), by=by, at=instant.now())
    return [*telling.lines(done), telling.summary(done)]


def apply(text, by=SETUP):
    return lines(model_file.apply, text, by)


def test_a_mapping_comes_is_exported_and_applied_again_as_no_change(rosa):
    told = [
        "+ mapping pandadoc", "    words: document.legal sent",
        "    fields: owner_email data.metadata.rep", "1 added.",
    ]  # fmt: skip
    assert lines(model_file.plan, MAPPED) == told
    assert not MappingVersion.objects.exists()
    assert apply(MAPPED, by=rosa) == told
    exported = writing.export()
    assert "mappings:\n- connection: pandadoc\n  words:\n    document.legal: sent\n" in exported
    assert apply(exported) == ["No differences."]
    made = MappingVersion.objects.get()
    assert made.author == made.approver == "Rosa Marin (RevOps manager)"
    line = TrailLine.objects.get(what="mapping.published")
    assert line.after["“document.legal”"] == "Sent"


def test_a_part_that_is_named_is_replaced_and_the_other_stays():
    apply(MAPPED)
    assert apply(f"{ENTRY}  words: {{document.other: nothing}}\n") == [
        "~ mapping pandadoc", "    words: document.legal sent → document.other nothing",
        "1 changed.",
    ]  # fmt: skip
    live = MappingVersion.objects.live().get()
    assert live.content["fields"] == {"owner_email": "data.metadata.rep"}
    assert live.number == 2


def test_a_removed_one_goes_back_to_what_is_built_in(connections):
    apply(MAPPED)
    assert apply(f"{ENTRY}  remove: true\n") == ["- mapping pandadoc", "1 removed."]
    assert mappings.of(connections[0]) == mappings.NOTHING_MAPPED
    assert "mappings" not in writing.export()
    assert apply(f"{ENTRY}  remove: true\n")[-1] == "No differences."
    assert MappingVersion.objects.count() == 2


def test_a_mapping_may_come_with_its_connection():
    text = "connections:\n- {slug: pandadoc-eu, system: pandadoc}\n"
    apply(text + MAPPED.replace("pandadoc", "pandadoc-eu"))
    assert MappingVersion.objects.get().connection.slug == "pandadoc-eu"


@pytest.mark.parametrize("text", ["mappings:\n", "mappings: []\n", "mappings: null\n"])
def test_a_file_may_say_that_there_are_none(text):
    assert apply(text) == ["No differences."]


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("mappings: {a: b}\n", 1, "is a list"),
        ("mappings:\n- words: {a: sent}\n", 2, "has no connection"),
        (f"{ENTRY}", 2, "Say words or fields"),
        (f"{ENTRY}  words: {{}}\n", 2, "Say words or fields"),
        (f"{ENTRY}  words: [a]\n", 3, "write keys and values"),
        (f"{ENTRY}  words:\n    a: sent\n    b: approved\n", 5, "“approved” is no state"),
        (f"{ENTRY}  words:\n    a: sent\n    a: viewed\n", 5, "was said on line 4 already"),
        (f"{ENTRY}  words:\n    a: true\n", 4, "is no state"),
        (f"{ENTRY}  fields:\n    colour: data.x\n", 4, "no field “colour”"),
        (f"{ENTRY}  fields:\n    title: ''\n", 4, "Write a path"),
        (f"{ENTRY}  fields:\n    title: data.__class__\n", 4, "is no step"),
        (f"{ENTRY}  fields:\n    title: {'a' * 10_000}\n", 4, "at most 200"),
        (f"{ENTRY}  fields:\n    currency: data.x\n", 4, "map the amount"),
        (f"{ENTRY}  words: {{{', '.join(f'w{n}: sent' for n in range(10_000))}}}\n", 3, "10,000"),
        ("mappings:\n- connection: nobody\n  words: {a: sent}\n", 2, "no connection “nobody”"),
        ("mappings:\n- connection: slack\n  words: {a: sent}\n", 2, "tells nothing that could"),
        ("mappings:\n- connection: generic\n  words: {a: sent}\n", 3, "“a”: No word of this"),
        ("mappings:\n- connection: hubspot\n  fields: {title: a}\n", 3, "“title”: This system"),
        (f"{ENTRY}  version: 2\n", 3, "no key of a mapping “version”"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_nothing_by_half(text, line, sentence):
    with pytest.raises(Refused) as caught:
        apply(text)
    assert f"line {line}: " in str(caught.value)
    assert sentence in str(caught.value)
    assert not MappingVersion.objects.exists()


def test_an_operator_changes_nothing_by_a_file(olivia):
    with pytest.raises(Refused, match="may not change the operating model"):
        apply(MAPPED, by=olivia)
