"""The pages of the routing rules: what was typed stays, the second of two is told, who may what."""

import html
import re

import pytest

from meshline.people.models import User
from meshline.policy import called
from meshline.policy.models import Draft
from proposals import lifecycle
from proposals.models import RoutingDecision, RoutingRules
from proposals.routing import rulebook
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.proposals.routes import DEFAULT, LARGE, NAMED, draft, pool, publish, rule
from tests.reading import words

pytestmark = pytest.mark.django_db

HOME = "/operating-model/routing/"
NEW = f"{HOME}draft/new/"
BOX = f"{HOME}test/"
PERSON = {"to": "person", "person": "sam@example.com"}
CLAUSE = {"c.join": "all", "c.1.field": "amount", "c.1.op": "at_least", "c.1.value": "50000"}


def typed(**changes):
    """A new rule as somebody typed it into the form for version 1."""
    fixed = {"revision": "0", "based_on": "1", "name": "Large deals", "note": ""}
    return {**fixed, **CLAUSE, **PERSON, **{k.replace("__", "."): v for k, v in changes.items()}}


def content():
    return rulebook.draft().content


# --- A rule is written ------------------------------------------------------------------------
def test_an_operator_drafts_a_rule(as_):
    assert as_("olivia").post(NEW, typed()).status_code == 303
    assert content()[1] == {
        "slug": "large-deals", "name": "Large deals",
        "when": {"field": "amount", "op": "at_least", "value": "50000"}, "then": PERSON,
    }  # fmt: skip
    assert rulebook.in_force().number == 1


def test_groups_and_the_advanced_clause_and_a_pool(as_):
    answer = as_("rosa").post(
        NEW,
        typed(
            c__2__join="none", c__2__1__field="owner_known", c__2__1__op="is",
            c__2__1__value="true",
            c__3__join="any", c__3__1__field="cel", c__3__1__value="title.contains('pump')",
            c__3__2__field="state", c__3__2__op="is_one_of", c__3__2__value="sent, viewed",
            to="pool", most_open="20",
            **{
                "member-1-person": "sam@example.com", "member-1-weight": "2",
                "member-3-person": "remy@example.com", "member-3-weight": "1",
            },
        ),
    )  # fmt: skip
    assert answer.status_code == 303
    assert content()[1]["when"] == {
        "all": [
            {"field": "amount", "op": "at_least", "value": "50000"},
            {"not": {"field": "owner_known", "op": "is", "value": True}},
            {
                "any": [
                    {"cel": "title.contains('pump')"},
                    {"field": "state", "op": "is_one_of", "value": ["sent", "viewed"]},
                ]
            },
        ]
    }
    assert content()[1]["then"] == pool("sam@example.com", "remy@example.com", sam=2, most_open=20)


def test_a_rule_comes_back_into_its_form_as_it_was_and_is_no_change(as_, rosa):
    called.keep(slug="quotes", name="Quotes")
    when = {
        "any": [
            {"all": [LARGE, {"not": {"field": "title", "op": "is_blank"}}]},
            {"not": {"all": [LARGE, {"field": "source", "op": "is", "value": "quotes"}]}},
            {"field": "owner_present", "op": "is", "value": False},
        ]
    }
    draft(rule("large", when, pool("sam@example.com"), note="Why"), NAMED, DEFAULT, by=rosa)
    page = f"{HOME}draft/rules/large/"
    form = as_("rosa").get(page)
    names = re.findall(r'<(?:select|input)[^>]* name="([^"]+)"', form.content.decode())
    posted = {name: _value(form.content.decode(), name) for name in names}
    assert as_("rosa").post(page, posted).status_code == 303
    assert rulebook.draft().revision == 1


def _value(page, name):
    """What a browser would send for this control."""
    select = re.search(rf'<select[^>]* name="{re.escape(name)}".*?</select>', page, re.S)
    if select:
        chosen = re.search(r'<option value="([^"]*)"[^>]*selected', select.group())
        return chosen.group(1) if chosen else ""
    found = re.search(rf'<input[^>]* name="{re.escape(name)}"[^>]*', page, re.S).group()
    value = re.search(r'value="([^"]*)"', found)
    return value.group(1).replace("&#x27;", "'").replace("&quot;", '"') if value else ""


@pytest.mark.parametrize(
    ("act", "shows", "hides"),
    [
        ("add:c", 'name="c.2.field"', 'name="c.3.field"'),
        ("group:c", 'name="c.2.1.field"', 'name="c.2.2.field"'),
        ("drop:c.1", 'value="add:c"', 'name="c.1.field"'),
        ("look", 'value="50000"', 'name="c.2.field"'),
        ("member", "Large deals", "member-2-person"),
        ("nonsense:c.9.9", 'value="50000"', 'name="c.2.field"'),
        ("drop-member:\N{ARABIC-INDIC DIGIT ONE}", 'value="50000"', "member-2"),
    ],
)
def test_the_buttons_of_the_form_change_it_and_keep_nothing(as_, act, shows, hides):
    for headers in ({}, {"HX-Request": "true"}):
        answer = as_("olivia").post(NEW, typed(act=act), headers=headers)
        assert answer.status_code == 200
        page = answer.content.decode()
        assert shows in page
        assert hides not in page
        assert ("<html" in page) is not bool(headers)
    assert rulebook.draft() is None


def test_members_are_added_and_taken_out(as_):
    both = {
        "member-1-person": "sam@example.com", "member-1-weight": "7",
        "member-2-person": "remy@example.com", "member-2-weight": "1",
    }  # fmt: skip
    more = as_("olivia").post(NEW, typed(act="member", to="pool", **both)).content.decode()
    assert 'name="member-3-person"' in more
    less = as_("olivia").post(NEW, typed(act="drop-member:1", to="pool", **both)).content.decode()
    assert 'name="member-2-person"' not in less
    assert 'value="7"' not in less


# --- Refused with the place named, and what was typed kept ------------------------------------
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "{{ 7*7 }}"}, "Tags such as"),
        ({"name": "a\0b"}, "Null characters are not allowed."),
        ({"name": "x" * 200}, "at most 80"),
        ({"note": "<b>"}, "Tags such as"),
        ({"c__1__field": ""}, "Choose a field, or remove the row."),
        ({"c__1__field": "colour"}, "There is no field “colour”"),
        ({"c__1__op": "contains"}, "Amount cannot be asked “contains”"),
        ({"c__1__value": "much"}, "“much” is no number for the amount"),
        ({"c__1__value": ""}, "Write what the amount is compared with."),
        (
            {"c__1__field": "source", "c__1__op": "is", "c__1__value": "quots"},
            "Source is never “quots”; there is",
        ),
        (
            {"c__1__field": "owner_team", "c__1__op": "is", "c__1__value": "no-team"},
            "Team of the owner named is never “no-team”; there is",
        ),
        ({"c__1__field": "cel", "c__1__value": "title"}, "no yes or no"),
        ({"c__1__field": "cel", "c__1__value": "[1].map(x, x)"}, "“map” loops"),
        ({"c__1__field": "cel", "c__1__value": "source.__class__ == 1"}, "No field has a part"),
        ({"c__1__field": "cel", "c__1__value": "x" * 100_000}, "At most 1000 characters"),
        ({"c__1__field": "cel", "c__1__value": "true"}, "names no field"),
        ({"to": "everybody"}, "Choose from the list."),
        ({"person": "nobody@example.com"}, "Choose from the list."),
        ({"person": ""}, "Choose a person"),
        ({"to": "team", "team": ""}, "Choose a team"),
        ({"to": "queue", "process": "cooking"}, "Choose from the list."),
        ({"to": "pool"}, "In the pool: Choose a person"),
        (
            {"to": "pool", "member-1-person": "sam@example.com", "member-1-weight": "0"},
            "In the pool: A weight is a whole number from 1 to 100.",
        ),
        (
            {"to": "pool", "member-1-person": "sam@example.com", "member-1-weight": "1" * 30},
            "A weight is a whole number",
        ),
        (
            {
                "to": "pool", "member-1-person": "sam@example.com", "member-1-weight": "1",
                "most_open": "0",
            },
            "The limit is a whole number",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_stays_typed(as_, changes, says):
    answer = as_("olivia").post(NEW, typed(**changes))
    assert answer.status_code == 422
    assert says in words(answer)
    page = html.unescape(answer.content.decode())
    for name, value in changes.items():
        if value and name.startswith("c__"):
            assert f'value="{value}"' in page
    assert 'value="Large deals"' in page or "name" in changes
    assert not Draft.objects.exists()


def test_a_word_that_joins_nothing_is_refused(as_):
    answer = as_("olivia").post(NEW, typed(c__join="wat"))
    assert answer.status_code == 422
    assert "In the condition: c.join: choose one of all, any, none, not-all." in words(answer)


def test_the_row_it_is_about_is_marked(as_):
    changes = {
        "c__2__join": "any", "c__2__1__field": "amount", "c__2__1__op": "is", "c__2__1__value": "x",
    }  # fmt: skip
    page = as_("olivia").post(NEW, typed(**changes)).content.decode()
    bad = re.search(r'<div class="clause field-bad.*?</div>', page, re.S).group()
    assert 'name="c.2.1.field"' in bad
    assert "“x” is no number for the amount" in bad


def test_a_rule_that_asks_what_another_asked_names_it(as_, rosa):
    draft(rule("large"), NAMED, DEFAULT, by=rosa)
    answer = as_("rosa").post(NEW, typed(revision="1"))
    assert answer.status_code == 422
    assert "Rule 1 asks exactly this, so that this one is never reached." in words(answer)


def test_what_becomes_wrong_with_another_rule_names_that_rule(as_, rosa, staff):
    draft(rule("large"), NAMED, DEFAULT, by=rosa)
    User.objects.filter(pk=staff["sam"].pk).update(is_active=False)
    answer = as_("rosa").post(NEW, typed(revision="1", person="remy@example.com", c__1__value="9"))
    assert answer.status_code == 422
    assert "Rule 1, “Large”: Sam Dube is not active here any more" in words(answer)


@pytest.mark.parametrize("rows", [200, 900])
def test_more_rows_than_there_may_be_are_no_fault(as_, rows):
    many = {f"c__{n}__field": "title" for n in range(2, rows)}
    assert as_("olivia").post(NEW, typed(**many)).status_code == 422


def test_the_default_has_no_condition_and_only_changes_its_target(as_):
    page = f"{HOME}draft/rules/default/"
    assert "Always: this is the default" in words(as_("rosa").get(page))
    sent = {"revision": "0", "based_on": "1", "name": "The rest", "to": "team", "team": "sales"}
    assert as_("rosa").post(page, sent).status_code == 303
    assert content()[-1] == {
        "slug": "default", "name": "The rest", "then": {"to": "team", "team": "sales"},
    }  # fmt: skip


# --- The list ---------------------------------------------------------------------------------
def test_rules_are_moved_and_taken_out(as_, rosa):
    draft(
        rule("a", {"field": "title", "op": "is_told"}), rule("b"), NAMED, DEFAULT, by=rosa
    )  # fmt: skip
    move = f"{HOME}draft/rules/b/move/"
    assert as_("olivia").post(f"{move}?revision=1", {"to": "up"}).status_code == 303
    assert [one["slug"] for one in content()] == ["b", "a", "named-owner", "default"]
    assert as_("olivia").post(f"{move}?revision=2", {"to": "down"}).status_code == 303
    assert [one["slug"] for one in content()] == ["a", "b", "named-owner", "default"]
    gone = as_("olivia").post(f"{HOME}draft/rules/a/remove/?revision=3")
    assert gone.status_code == 303
    assert [one["slug"] for one in content()] == ["b", "named-owner", "default"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("named-owner/move/", {"to": "up"}), ("named-owner/move/", {"to": "down"}),
        ("default/move/", {"to": "up"}), ("default/remove/", {}),
    ],
)  # fmt: skip
def test_the_default_stays_last_and_the_first_rule_first(as_, path, sent):
    answer = as_("olivia").post(
        f"{HOME}draft/rules/{path}?revision=0", sent, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 409
    assert not Draft.objects.exists()


def test_a_rule_that_is_not_there_is_not_found(as_):
    assert as_("olivia").get(f"{HOME}draft/rules/nothing/").status_code == 404
    assert as_("olivia").post(f"{HOME}draft/rules/nothing/remove/").status_code == 404
    assert as_("rosa").get(f"{HOME}versions/7/").status_code == 404
    assert as_("rosa").get(f"{HOME}versions/{10**30}/").status_code == 404


# --- Somebody was faster --------------------------------------------------------------------------
@pytest.mark.parametrize(("act", "sent"), [("remove", {}), ("move", {"to": "up"})])
def test_what_another_tab_removed_already_is_answered_on_the_draft(as_, olivia, act, sent):
    told = rule("a", {"field": "title", "op": "is_told"})
    draft(told, rule("b"), NAMED, DEFAULT, by=olivia)
    assert as_("rosa").post(f"{HOME}draft/rules/b/remove/?revision=1").status_code == 303
    late = as_("olivia").post(f"{HOME}draft/rules/b/{act}/?revision=1", sent)
    assert late.status_code == 409
    assert "Rosa Marin (RevOps manager) changed this meanwhile" in words(late)
    assert [one["slug"] for one in content()] == ["a", "named-owner", "default"]
    assert as_("rosa").post(f"{HOME}draft/discard/?revision=2").status_code == 303
    gone = as_("olivia").post(f"{HOME}draft/rules/a/{act}/?revision=2", sent)
    assert gone.status_code == 409
    assert "Somebody published or discarded this draft meanwhile." in words(gone)
    assert not Draft.objects.exists()


def test_the_second_to_change_the_draft_sees_what_the_first_did(as_, olivia):
    draft(rule("large", {**LARGE, "value": "9"}), NAMED, DEFAULT, by=olivia)
    answer = as_("rosa").post(NEW, typed())
    assert answer.status_code == 409
    page = words(answer)
    assert "Olivia Ortiz (RevOps operator) changed this meanwhile" in page
    assert "Large When the amount is at least 9, give it to Sam Dube." in page
    assert 'value="50000"' in answer.content.decode()
    # Having seen it, they keep theirs beside it.
    assert as_("rosa").post(NEW, typed(revision="1")).status_code == 303
    assert [one["slug"] for one in content()] == ["large", "named-owner", "large-deals", "default"]


def test_whoever_types_while_others_publish_loses_nothing(as_, rosa):
    publish(rule("large", {**LARGE, "value": "9"}), NAMED, DEFAULT, by=rosa)
    answer = as_("olivia").post(NEW, typed())
    assert answer.status_code == 409
    page = words(answer)
    assert "Rosa Marin (RevOps manager) published version 2 meanwhile" in page
    assert "When the amount is at least 9, give it to Sam Dube." in page
    assert 'value="50000"' in answer.content.decode()
    assert as_("olivia").post(NEW, typed(based_on="2")).status_code == 303


def test_nor_while_others_throw_the_draft_away_or_the_rule_out(as_, rosa):
    draft(rule("large"), NAMED, DEFAULT, by=rosa)
    page = f"{HOME}draft/rules/large/"
    sent = typed(revision="1", c__1__value="77")
    draft(NAMED, {**DEFAULT, "note": "Alone"}, by=rosa)
    answer = as_("olivia").post(page, sent)
    assert answer.status_code == 409
    assert 'value="77"' in answer.content.decode()
    as_("rosa").post(f"{HOME}draft/discard/?revision=2")
    answer = as_("olivia").post(page, sent)
    assert answer.status_code == 409
    assert "Somebody threw the draft away meanwhile." in words(answer)
    assert as_("olivia").post(page, {**sent, "revision": "0"}).status_code == 303
    assert content()[1]["when"]["value"] == "77"


def test_a_draft_that_names_somebody_who_left_is_not_taken_onto_a_newer_version(
    as_, olivia, rosa, staff
):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    rulebook.set_rules([NAMED, {**DEFAULT, "note": "x"}], by=rosa, at=MONDAY)
    User.objects.filter(pk=staff["sam"].pk).update(is_active=False)
    answer = as_("rosa").post(
        f"{HOME}draft/rebase/", {"revision": "1", "seen": "2"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 409
    assert "Sam Dube is not active here any more" in words(answer)


def test_so_does_the_second_to_move_a_rule(as_, olivia):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    draft(rule("large", note="Again"), NAMED, DEFAULT, by=olivia)
    answer = as_("rosa").post(f"{HOME}draft/rules/large/move/?revision=1", {"to": "down"})
    assert answer.status_code == 409
    assert "(Again)" in words(answer)
    assert "give it to Sam Dube" in words(answer)


def test_the_second_to_publish_sees_a_difference_and_overwrites_nothing(as_, olivia, rosa):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    sent = {"revision": "1", "seen": "1", "note": ""}
    assert as_("rosa").post(f"{HOME}publish/", sent).status_code == 303
    answer = as_("rosa").post(f"{HOME}publish/", sent)
    assert answer.status_code == 409
    page = words(answer)
    assert "Rosa Marin (RevOps manager) published version 2 meanwhile" in page
    assert "Large When the amount is at least 50,000, give it to Sam Dube." in page
    assert RoutingRules.objects.count() == 2


def test_a_draft_whose_base_moved_is_published_only_when_that_was_seen(as_, olivia, rosa):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    here = rulebook.draft()
    rulebook.set_rules([rule("file", {"cel": "amount > 1.0"}), NAMED, DEFAULT], by=rosa, at=MONDAY)
    sent = {"revision": "1", "seen": "2", "note": ""}
    answer = as_("rosa").post(f"{HOME}publish/", sent)
    assert answer.status_code == 409
    assert "this draft goes from version 1" in words(answer)
    assert "File When the expression amount > 1.0 holds, give" in words(answer)
    moved = as_("rosa").post(f"{HOME}draft/rebase/", {"revision": "1", "seen": "2"})
    assert moved.status_code == 303
    assert rulebook.draft().content == here.content
    assert as_("rosa").post(f"{HOME}publish/", {**sent, "revision": "2"}).status_code == 303
    assert rulebook.in_force().number == 3


@pytest.mark.parametrize("path", ["discard", "submit", "rebase"])
def test_what_was_not_seen_is_neither_thrown_away_nor_handed_on(as_, olivia, path):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    assert as_("rosa").post(f"{HOME}draft/{path}/", {"revision": "0"}).status_code == 409
    assert rulebook.draft().submitted_at is None


def test_an_operator_hands_the_draft_to_a_manager(as_, olivia):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    assert as_("olivia").post(f"{HOME}draft/submit/?revision=1").status_code == 303
    assert "it is ready to be published" in words(as_("rosa").get(HOME))
    assert as_("rosa").post(f"{HOME}draft/discard/?revision=1").status_code == 303
    assert rulebook.draft() is None


# --- Bringing back ------------------------------------------------------------------------------
def test_one_click_brings_a_version_back(as_, rosa):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    sent = {"seen": "2", "reason": "It went astray"}
    assert as_("rosa").post(f"{HOME}versions/1/restore/", sent).status_code == 303
    assert RoutingRules.objects.get(is_live=True).note == "It went astray"


@pytest.mark.parametrize("reason", ["", "  "])
def test_bringing_back_takes_a_reason(as_, rosa, reason):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    page = as_("rosa").get(f"{HOME}versions/1/").content.decode()
    assert "required" in re.search(r"<textarea[^>]*>", page).group()
    answer = as_("rosa").post(f"{HOME}versions/1/restore/", {"seen": "2", "reason": reason})
    assert answer.status_code == 422
    at_field = words(answer).partition("in force at once.")[2].partition("Put it into force")[0]
    assert "Say why it comes back; it stands with the version and on the trail." in at_field
    assert rulebook.in_force().number == 2


def test_bringing_back_after_another_is_answered_on_the_page(as_, rosa):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    restore = f"{HOME}versions/1/restore/"
    stale = as_("rosa").post(restore, {"seen": "1", "reason": "It went astray"})
    assert stale.status_code == 409
    assert "published version 2 meanwhile" in words(stale)
    assert "It went astray" in stale.content.decode()
    assert rulebook.in_force().number == 2


@pytest.mark.parametrize(
    ("seen", "reason"), [("1", "a\0b"), ("1", "x" * 5000), ("x", "y"), (str(10**30), "y"), ("", "")]
)
def test_what_cannot_be_a_reason_is_refused(as_, rosa, seen, reason):
    publish(rule("large"), NAMED, DEFAULT, by=rosa)
    answer = as_("rosa").post(f"{HOME}versions/1/restore/", {"seen": seen, "reason": reason})
    assert answer.status_code == 422
    assert rulebook.in_force().number == 2


def test_a_note_that_cannot_be_is_refused(as_, olivia):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    sent = {"revision": "1", "seen": "1"}
    for note in ("a\0b", "x" * 301):
        answer = as_("rosa").post(f"{HOME}publish/", {**sent, "note": note})
        assert answer.status_code == 422
    assert rulebook.in_force().number == 1


def test_what_is_in_force_cannot_be_brought_back(as_):
    assert "These rules are in force." in words(as_("rosa").get(f"{HOME}versions/1/"))
    answer = as_("rosa").post(f"{HOME}versions/1/restore/", {"seen": "1", "reason": "x"})
    assert answer.status_code == 422


# --- Who may what -----------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["sam", "remy", "ada", "vera"])
def test_everybody_reads_the_rules_and_reads_why_they_may_not_draft(as_, name):
    page = words(as_(name).get(HOME))
    assert "give it to the owner its source names" in page
    assert "may not draft changes of the operating model." in page


def test_an_operator_reads_beside_the_button_why_they_may_not_publish(as_, olivia):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    page = words(as_("olivia").get(f"{HOME}publish/"))
    assert "may not change the operating model." in page
    assert as_("olivia").post(f"{HOME}publish/", {"revision": "1", "seen": "1"}).status_code == 303
    assert rulebook.in_force().number == 1


# --- Backtest ---------------------------------------------------------------------------------
def test_each_part_of_the_backtest_asks_for_the_next(as_, olivia, pandadoc, monkeypatch):
    monkeypatch.setattr("proposals.routing.backtest.AT_ONCE", 2)
    for n in range(3):
        total = {"amount": "64000", "currency": "EUR"}
        post_pandadoc([document("sent", id=f"d{n}", grand_total=total)], event_id=f"d{n}")
    digest_all()
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    client, url, seen = as_("olivia"), f"{HOME}backtest/", []
    sent = {"revision": "1"}
    for _ in range(5):
        answer = client.post(url, sent, headers={"HX-Request": "true"})
        page = answer.content.decode()
        seen.append(re.search(r"(\d of \d) would have", page).group(1))
        carried = re.search(r'"tally": "([^"]+)"', page)
        if not carried:
            break
        assert '<progress value="2"' in page
        sent["tally"] = carried.group(1)
    assert [(len(seen), seen[-1])] == [(2, "3 of 3")]
    whole = words(client.post(url, {"revision": "1"}))
    assert "3 of 3 would have another owner." in whole


@pytest.mark.parametrize("tally", ["", "x", "a:b:c", "\0", "x" * 10_000])
def test_a_tally_that_is_none_of_ours_begins_anew(as_, olivia, sent, tally):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    answer = as_("olivia").post(
        f"{HOME}backtest/", {"revision": "1", "tally": tally}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert "Nobody would have another owner." in words(answer)


def test_the_backtest_of_another_draft_says_so(as_, olivia):
    draft(rule("large"), NAMED, DEFAULT, by=olivia)
    answer = as_("olivia").post(f"{HOME}backtest/", {"revision": "7"})
    assert answer.status_code == 409
    assert "The draft is another one by now" in words(answer)


# --- Why routed here --------------------------------------------------------------------------
def test_the_proposal_says_which_rule_and_why_not_the_others(as_, tell, staff):
    publish(rule("large"), NAMED, DEFAULT, by=staff["rosa"])
    page = words(as_("remy").get(f"/proposals/{tell('sent').pk}/"))
    assert "Rule 2, “The owner its source names”. When the owner named works here" in page
    assert "The owner named works here · seen: yes" in page
    assert "Why not the rule before it 1. Large. When the amount is at least 50,000" in page
    assert "seen: 1,234.50" in page


def test_masked_eyes_see_the_verdicts_but_not_the_values(as_, tell, staff):
    contact = {"field": "contact_email", "op": "is", "value": "nina@customer.example.com"}
    publish(rule("large"), rule("nina", contact), NAMED, DEFAULT, by=staff["rosa"])
    page = words(as_("vera").get(f"/proposals/{tell('sent').pk}/"))
    assert "Rule 2, “Nina”." in page
    for private in ("1,234.50", "nina@", "customer.example.com"):
        assert private not in page


def test_after_a_person_chose_it_says_that_the_rules_come_second(as_, sent, staff):
    lifecycle.assign(
        proposal_id=sent.pk, owner=staff["sam"], version=sent.version, reason="Knows them",
        by=staff["rosa"], at=MONDAY,
    )  # fmt: skip
    assert "A person has chosen the owner since." in words(
        as_("rosa").get(f"/proposals/{sent.pk}/")
    )


def test_a_proposal_of_before_the_rules_says_nothing_of_them(as_, sent):
    RoutingDecision.objects.all().delete()
    assert "Why routed here" not in words(as_("rosa").get(f"/proposals/{sent.pk}/"))
