"""A contract written in the browser: by plain forms, row by row, with every no where it belongs."""

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import User
from meshline.policy import called, drafts
from meshline.policy.models import Draft
from meshline.shell.founding import CONTRACTS
from proposals.contracts import publishing, versions
from proposals.contracts.catalogue import DEEDS
from proposals.contracts.forms import Writing
from proposals.contracts.gates import Known
from proposals.models import Contract
from tests import factories
from tests.filling import form
from tests.reading import words

pytestmark = pytest.mark.django_db

SENT = "/operating-model/contracts/sent/"
EDIT = f"{SENT}edit/"
CSS = "contract-form"


def content(slug="sent"):
    return versions.terms_of(Contract.objects.live().get(slug=slug)).content


def typed(answer):
    return form(answer, css=CSS)


def saved(slug="sent"):
    return drafts.of("contract", slug).content


# --- Editing --------------------------------------------------------------------------------------
@pytest.mark.parametrize("slug", [slug for slug, *_ in CONTRACTS])
def test_saved_as_it_stands_a_contract_says_the_same(as_, staff, slug):
    rosa = as_("rosa")
    url = f"/operating-model/contracts/{slug}/edit/"
    assert rosa.post(url, typed(rosa.get(url))).status_code == 303
    assert saved(slug) == content(slug)
    assert "It says what is in force already." in words(rosa.get(url.removesuffix("edit/")))


def test_an_operator_drafts_and_a_manager_publishes(as_, staff):
    olivia, rosa = as_("olivia"), as_("rosa")
    data = typed(olivia.get(EDIT))
    data |= {"o-1-due_within": "4 h", "note": "Sooner is better."}
    assert olivia.post(EDIT, data).status_code == 303
    page = olivia.get(SENT)
    assert "16 business hours" in words(page)
    assert "4 business hours" in words(page)
    assert "may not change the operating model" in page.content.decode()
    assert content()["outcomes"][1]["params"]["due_within"] == 960

    publish = form(rosa.get(SENT), action="/publish/")
    assert rosa.post(f"{SENT}publish/", publish).status_code == 303
    page = words(rosa.get(SENT))
    assert "is in force as version 2" in page
    assert "written by Olivia Ortiz (RevOps operator)" in page
    assert content()["outcomes"][1]["params"]["due_within"] == 240


def test_what_a_task_says_is_read_wherever_its_contract_is(as_, staff):
    rosa, new = as_("rosa"), "/operating-model/contracts/new/"
    asked = {"slug": "calls", "name": "Calls", "trigger": "sent"}
    data = typed(rosa.get(new)) | asked
    data = typed(rosa.post(new, {**data, "add-outcome": "1", "new-kind": "task.create"}))
    data |= {
        "o-0-name": "call", "o-0-subject": "Call {contact}", "o-0-body": "Ask about {title}.",
        "o-0-priority": "LOW", "o-0-due_within": "1 h",
    }  # fmt: skip
    assert rosa.post(new, data).status_code == 303
    told = "“Call ‹contact›”, “Ask about ‹title›”, low priority, due 1 business hour later"
    here = "/operating-model/contracts/calls/"
    page = rosa.get(here)
    assert told in words(page)
    assert rosa.post(f"{here}publish/", form(page, action="/publish/")).status_code == 303
    assert told in words(rosa.get(here))
    assert told in words(rosa.get(f"{here}versions/1/"))
    edited = typed(rosa.get(f"{here}edit/")) | {"o-0-body": "Ask {contact}.", "o-0-priority": ""}
    assert rosa.post(f"{here}edit/", edited).status_code == 303
    said = words(rosa.get(here))
    assert "Ask about {title}." in said
    assert "Ask {contact}." in said
    assert "call: priority Low" in said


def test_rows_and_outcomes_come_and_go_without_saving(as_, staff):
    rosa = as_("rosa")
    data = typed(rosa.get(EDIT))
    data["o-1-subject"] = "Half typed {"
    page = rosa.post(EDIT, {**data, "act": "add:c"})
    assert page.status_code == 200
    data = typed(page)
    assert data["o-1-subject"] == ["Half typed {"]
    assert 'name="c.1.field"' in page.text
    data |= {"c.1.field": "amount", "c.1.op": "at_least", "c.1.value": "5000"}
    data = typed(rosa.post(EDIT, {**data, "add-outcome": "1", "new-kind": "ticket.open"}))
    assert data["outcome"] == ["0", "1", "2", "3"]
    assert data["o-3-wanted"] == ["sent"]
    assert "errorlist" not in rosa.post(EDIT, {**data, "act": "add:c"}).content.decode()
    data = typed(rosa.post(EDIT, {**data, "drop-outcome": "0"}))
    assert data["outcome"] == ["1", "2", "3"]
    data = typed(rosa.post(EDIT, {**data, "raise-outcome": "3"}))
    assert data["outcome"] == ["1", "3", "2"]
    assert not Draft.objects.exists()
    data |= {
        "o-1-subject": "Call {contact}", "o-3-name": "ticket", "o-3-ticket": "dispute",
        "o-3-subject": "{title}", "o-3-body": "Look.",
    }  # fmt: skip
    assert rosa.post(EDIT, data).status_code == 303
    assert [row["name"] for row in saved()["outcomes"]] == ["follow-up", "ticket", "tell-owner"]
    assert saved()["condition"] == {"field": "amount", "op": "at_least", "value": "5000"}
    assert "the amount is at least 5,000" in words(rosa.get(SENT))
    again = typed(rosa.get(EDIT))
    assert (again["c.1.field"], again["c.1.value"]) == (["amount"], ["5000"])
    dropped = rosa.post(EDIT, {**again, "act": "drop:c.1"})
    assert "Always: nothing is asked." in words(dropped)
    assert typed(dropped).get("c.1.field") is None


def test_a_condition_with_an_expression_and_a_not(as_, staff):
    called.keep(slug="quotes", name="Quotes")
    rosa = as_("rosa")
    data = typed(rosa.post(EDIT, {**typed(rosa.get(EDIT)), "act": "group:c"}))
    data = typed(rosa.post(EDIT, {**data, "act": "add:c"}))
    data |= {
        "c.join": "any", "c.1.join": "none",
        "c.1.1.field": "source", "c.1.1.op": "is", "c.1.1.value": "quotes",
        "c.2.field": "cel", "c.2.value": "amount >= 5000.0",
    }  # fmt: skip
    assert rosa.post(EDIT, data).status_code == 303
    assert saved()["condition"] == {"any": [
        {"not": {"field": "source", "op": "is", "value": "quotes"}},
        {"cel": "amount >= 5000.0"},
    ]}  # fmt: skip
    again = typed(rosa.get(EDIT))
    assert (again["c.join"], again["c.2.value"]) == (["any"], ["amount >= 5000.0"])
    assert again["c.1.join"] == ["none"]


def test_a_condition_from_elsewhere_is_shown_as_it_is_kept(as_, staff):
    called.keep(slug="quotes", name="Quotes")
    deep = {"all": [{"any": [{"field": "source", "op": "is", "value": "quotes"}]}]}
    publishing.put_in_force(
        slug="sent", content={**content(), "condition": deep}, by=SETUP, at=instant.now()
    )
    rosa = as_("rosa")
    data = typed(rosa.get(EDIT))
    assert data["c.1.join"] == ["any"]
    assert rosa.post(EDIT, data).status_code == 303
    assert saved()["condition"] == deep


# --- A no where it belongs ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"o-1-subject": "{colour}"}, "Nothing here is called {colour}"),
        ({"o-1-subject": "{% now %}"}, "Braces name a place"),
        ({"o-1-subject": ""}, "This field is required"),
        ({"o-1-due_within": "soon"}, "Write business minutes or hours"),
        ({"o-1-due_within": "0"}, "Give it at least one business minute"),
        ({"o-1-due_within": "9" * 30}, "Write business minutes or hours"),
        ({"o-1-name": "Big Name"}, "Name it in small letters"),
        ({"o-1-wanted": ["viewed"]}, "It must be wanted while it is sent"),
        ({"o-1-wanted": ["gone"]}, "Select a valid choice"),
        ({"o-1-gate_who": "role:rep", "o-1-gate_within": "4 h"}, "Select a valid choice"),
        ({"o-1-gate_who": "approvers"}, "Say how long it may wait"),
        ({"o-1-gate_within": "4 h"}, "Say whose approval it waits for, or leave the time empty."),
        ({"trigger": "sold"}, "Select a valid choice"),
        ({"trigger": ""}, "This field is required"),
        ({"name": "a\0"}, "Null characters are not allowed"),
        ({"tier": "soon"}, "Select a valid choice"),
        ({"owner": "person:nobody@example.com"}, "Select a valid choice"),
        ({"revision": "9" * 30}, "Ensure this value is less than"),
        ({"outcome": []}, "A contract asks for at least one outcome"),
        ({"o-2-name": "follow-up"}, "Two outcomes are called follow-up"),
        ({"c.1.field": "colour", "c.1.op": "is"}, "There is no field"),
        ({"c.1.field": "amount", "c.1.op": "is", "c.1.value": "x"}, "number"),
        ({"c.1.field": ""}, "Choose a field, or remove the row"),
        (
            {"c.1.field": "source", "c.1.op": "is", "c.1.value": "quotes"},
            "Source is never “quotes”; there is none yet.",
        ),
        (
            {
                "c.1.field": "amount", "c.1.op": "at_least", "c.1.value": "10",
                "c.2.field": "amount", "c.2.op": "at_most", "c.2.value": "5",
            },
            "This never holds together with “the amount is at least 10”.",
        ),
        ({"c.1.field": "cel", "c.1.value": "amount + 1.0"}, "This is no yes or no"),
        ({"c.1.field": "cel", "c.1.value": "[1].map(x, x)"}, "loops; an expression here does not"),
        ({"c.1.field": "cel", "c.1.value": "1 > 0 || " * 11_000}, "At most 1000 characters"),
        ({"c.1.field": "cel", "c.1.value": "title.__class__ == 1"}, "No field has a part"),
        ({"c.join": "any", "c.1.join": "any", "c.1.1.field": "amount"}, "cannot be asked"),
        ({"c.join": "wat", "c.1.field": "title", "c.1.op": "is_told"}, "c.join: choose one of all"),
        ({"name": "{{ settings }}"}, "Tags such as {{ }} or "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_is_and_what_was_typed_stays(as_, staff, change, sentence):
    rosa = as_("rosa")
    data = {**typed(rosa.get(EDIT)), "note": "Kept words", **change}
    answer = rosa.post(EDIT, data)
    assert answer.status_code == 422
    page = answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')
    assert sentence in page
    assert "Kept words" in page
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        {}, {"outcome": ["x", "-1", "9" * 30, "٣"]}, {"outcome": ["0"], "o-0-kind": "nothing"},
        {f"c.{n}.field": "x" for n in range(500)}, {"outcome": [str(n) for n in range(10_000)]},
        {"add-outcome": "1", "new-kind": "\0"}, {"drop-outcome": "\0"}, {"raise-outcome": "0"},
    ],
)  # fmt: skip
def test_whatever_is_sent_is_no_fault_of_ours(as_, staff, data):
    for url in (EDIT, "/operating-model/contracts/new/"):
        assert as_("rosa").post(url, data).status_code in (200, 413, 422)


def test_an_outcome_of_no_known_kind_is_refused_where_it_stands_and_kept(as_, staff):
    rosa = as_("rosa")
    data = typed(rosa.get(EDIT)) | {"o-1-kind": "nope", "o-1-subject": "Kept words"}
    answer = rosa.post(EDIT, data)
    assert answer.status_code == 422
    assert not Draft.objects.exists()
    assert "There is no kind of outcome “nope”. Choose one, or take the outcome out." in words(
        answer
    )
    again = typed(answer)
    assert (again["outcome"], again["o-1-subject"]) == (["0", "1", "2"], ["Kept words"])
    assert again["o-1-kind"] == [""]
    kind = content()["outcomes"][1]["kind"]
    assert rosa.post(EDIT, {**again, "o-1-kind": kind}).status_code == 303
    assert saved()["outcomes"][1] == {
        **content()["outcomes"][1],
        "params": {**content()["outcomes"][1]["params"], "subject": "Kept words"},
    }


def test_a_contract_that_sets_itself_off_is_refused_at_the_outcome_that_does(as_, staff):
    rosa, url = as_("rosa"), "/operating-model/contracts/invoiced/edit/"
    asked = {"add-outcome": "1", "new-kind": "invoice.create"}
    data = typed(rosa.post(url, {**typed(rosa.get(url)), **asked}))
    last = data["outcome"][-1]
    answer = rosa.post(url, {**data, f"o-{last}-name": "once-more"})
    assert answer.status_code == 422
    outcome = answer.text.partition(f'id="outcome-{last}"')[2]
    assert "It makes the proposal invoiced, which is what sets it off." in outcome


def test_an_invoice_is_once_without_being_asked():
    data = QueryDict(mutable=True)
    data.update({"outcome": "0", "o-0-kind": "invoice.create", "o-0-name": "it",
                 "o-0-wanted": "signed", "name": "x", "trigger": "signed"})  # fmt: skip
    writing = Writing(Known(), is_new=False, data=data)
    assert writing.outcomes[0].is_valid()
    assert writing.outcomes[0].content["once"] is True
    assert "once" not in writing.outcomes[0].fields


@pytest.mark.parametrize("kind", DEEDS)
def test_whatever_of_an_outcome_is_refused_its_form_says_so(staff, kind):
    data = QueryDict(mutable=True)
    data.update({"outcome": "0", "o-0-kind": kind, "o-0-name": "it", "o-0-wanted": "signed"})
    for name in ("kind", "once", "facts", "undo", "name", "mirrors", "target", "gate", ""):
        writing = Writing(publishing.known(), is_new=False, data=data)
        writing.refuse("Not like this.", f"outcomes.0.{name}")
        part = render_to_string("proposals/_outcome_form.html", {"outcome": writing.outcomes[0]})
        assert "Not like this." in part, name


def test_more_than_a_form_may_have_is_said(as_, staff):
    answer = as_("rosa").post(EDIT, {"outcome": [str(number) for number in range(10_000)]})
    assert answer.status_code == 413
    assert "A form may have 1,000 fields, and this one has more; nothing was changed." in words(
        answer
    )
    live = {"HX-Request": "true"}
    part = as_("rosa").post(EDIT, {"outcome": ["x"] * 10_000}, headers=live)
    assert (part.status_code, part.headers["HX-Retarget"]) == (413, "#messages")


def test_fifty_outcomes_are_the_most(as_, staff):
    rosa = as_("rosa")
    data = typed(rosa.get(EDIT))
    for number in range(3, 60):
        data |= {
            f"o-{number}-kind": "notice.tell", f"o-{number}-name": f"tell-{number}",
            f"o-{number}-subject": "x",
        }  # fmt: skip
        data[f"o-{number}-wanted"] = ["sent", "viewed"]
    data["outcome"] = [str(number) for number in range(60)]
    answer = rosa.post(EDIT, data)
    assert answer.status_code == 422
    assert "At most 50 outcomes; this has 60." in words(answer)


# --- New ------------------------------------------------------------------------------------------
def test_a_new_contract_is_drafted_shown_and_published(as_, staff):
    rosa = as_("rosa")
    url = "/operating-model/contracts/new/"
    assert f'href="{url}"' in rosa.get("/operating-model/contracts/").content.decode()
    data = typed(rosa.get(url)) | {"slug": "big-ones", "name": "A large one", "trigger": "sent"}
    data = typed(rosa.post(url, {**data, "add-outcome": "1", "new-kind": "notice.tell"}))
    assert data["o-0-wanted"] == ["sent"]
    data |= {"o-0-name": "tell-of-it", "o-0-subject": "{title} is large."}
    assert rosa.post(url, data).headers["Location"] == "/operating-model/contracts/big-ones/"
    page = rosa.get("/operating-model/contracts/")
    assert "A large one" in words(page)
    shown = rosa.get("/operating-model/contracts/big-ones/")
    assert "it has never been published" in words(shown)
    publish = form(shown, action="/publish/")
    assert rosa.post("/operating-model/contracts/big-ones/publish/", publish).status_code == 303
    assert Contract.objects.live().get(slug="big-ones").version == 1


def test_a_name_that_is_taken_is_somebody_elses(as_, staff):
    rosa, new = as_("rosa"), "/operating-model/contracts/new/"
    assert rosa.post(EDIT, {**typed(rosa.get(EDIT)), "o-1-due_within": "4 h"}).status_code == 303
    theirs = saved()
    olivia = as_("olivia")
    data = typed(olivia.post(new, {"slug": "sent", "name": "x", "trigger": "sent",
                                   "add-outcome": "1", "new-kind": "notice.tell"}))  # fmt: skip
    data |= {"based_on": "0", "revision": "0", "o-0-name": "another", "o-0-subject": "Kept words"}
    for seen in ({}, {}, {"based_on": "1", "revision": "1"}):
        answer = olivia.post(new, {**data, **seen})
        assert answer.status_code == 422
        assert "There is a contract of that name." in words(answer)
        data = typed(answer)
        assert data["o-0-subject"] == ["Kept words"]
    assert saved() == theirs


def test_what_is_typed_into_a_draft_that_is_discarded_meanwhile_is_not_lost(as_, staff):
    olivia, rosa = as_("olivia"), as_("rosa")
    publishing.save(
        slug="big-ones", content={**content(), "outcomes": [{
            "name": "tell-of-it", "kind": "notice.tell", "wanted": ["sent"],
            "params": {"subject": "{title} is large."},
        }]},
        based_on=0, revision=0, by=staff["olivia"], at=instant.now(),
    )  # fmt: skip
    here = "/operating-model/contracts/big-ones/"
    data = {**typed(olivia.get(f"{here}edit/")), "note": "Kept words"}
    assert rosa.post(f"{here}discard/", {"seen": "1"}).status_code == 303
    assert typed(olivia.post(f"{here}edit/", {**data, "act": "add:c"}))["note"] == ["Kept words"]
    answer = olivia.post(f"{here}edit/", data)
    assert answer.status_code == 409
    page = words(answer)
    assert "Rosa Marin (RevOps manager) changed this meanwhile" in page
    assert "The draft is gone. Save again to begin it anew, as you typed it." in page
    again = typed(answer)
    assert again["note"] == ["Kept words"]
    assert olivia.post(f"{here}edit/", again).status_code == 303
    assert drafts.of("contract", "big-ones").note == "Kept words"
    assert olivia.get("/operating-model/contracts/never-there/edit/").status_code == 404


# --- Two at once ----------------------------------------------------------------------------------
def test_the_second_who_saves_reads_what_the_first_did(as_, staff):
    olivia, rosa = as_("olivia"), as_("rosa")
    mine, theirs = typed(rosa.get(EDIT)), typed(olivia.get(EDIT))
    assert olivia.post(EDIT, {**theirs, "o-1-due_within": "4 h"}).status_code == 303
    answer = rosa.post(EDIT, {**mine, "o-1-due_within": "2 h"})
    assert answer.status_code == 409
    page = words(answer)
    assert "Olivia Ortiz (RevOps operator) changed this meanwhile" in page
    assert "4 business hours" in page
    again = typed(answer)
    assert again["o-1-due_within"] == ["2 h"]
    assert rosa.post(EDIT, again).status_code == 303
    assert saved()["outcomes"][1]["params"]["due_within"] == 120


def test_the_second_who_publishes_gets_a_409_and_the_difference(as_, staff):
    rosa = as_("rosa")
    rosa.post(EDIT, typed(rosa.get(EDIT)) | {"o-1-due_within": "4 h"})
    publish = form(rosa.get(SENT), action="/publish/")
    faster = {**content(), "name": "Somebody was faster"}
    publishing.put_in_force(slug="sent", content=faster, by=SETUP, at=instant.now())
    answer = rosa.post(f"{SENT}publish/", publish)
    assert answer.status_code == 409
    assert "Somebody was faster" in words(answer)
    assert Contract.objects.head("sent").version == 2
    # Going on with it shows the same once more, and then it is based on what is so now.
    data = typed(rosa.get(EDIT))
    stale = rosa.post(EDIT, data)
    assert stale.status_code == 409
    assert rosa.post(EDIT, typed(stale)).status_code == 303
    assert rosa.post(f"{SENT}publish/", {"seen": "2"}).status_code == 303
    assert Contract.objects.head("sent").version == 3


def test_of_two_who_publish_the_second_reads_who_was_faster_and_what_is_in_force(as_, staff):
    rosa, olivia = as_("rosa"), as_("olivia")
    olivia.post(EDIT, typed(olivia.get(EDIT)) | {"o-1-due_within": "4 h"})
    publish = form(rosa.get(SENT), action="/publish/")
    factories.person("max@example.com", "Max Hale", staff["rosa"].role, staff["rosa"].team)
    publishing.publish(
        slug="sent", revision=1, by=User.objects.get(name="Max Hale"), at=instant.now()
    )
    answer = rosa.post(f"{SENT}publish/", publish)
    assert answer.status_code == 409
    said = words(answer)
    assert "Max Hale (RevOps manager) published version 2," in said
    assert "follow-up: due within, in business time 16 business hours 4 business hours" in said


@pytest.mark.parametrize(
    ("act", "did"), [("edit", "changed the draft,"), ("discard", "threw the draft away,")]
)
def test_who_publishes_a_draft_that_moved_reads_who_moved_it(as_, staff, act, did):
    rosa, olivia = as_("rosa"), as_("olivia")
    olivia.post(EDIT, typed(olivia.get(EDIT)) | {"o-1-due_within": "4 h"})
    publish = form(rosa.get(SENT), action="/publish/")
    asked = {"edit": typed(olivia.get(EDIT)) | {"o-1-due_within": "2 h"}, "discard": {"seen": "1"}}
    assert olivia.post(f"{SENT}{act}/", asked[act]).status_code == 303
    answer = rosa.post(f"{SENT}publish/", publish)
    assert answer.status_code == 409
    note = words(answer).partition("Olivia Ortiz (RevOps operator)")[2].partition("In force")[0]
    assert note.strip().startswith(did)
    now = "2 business hours" if act == "edit" else "16 business hours"
    assert f"follow-up: due within, in business time 4 business hours {now}" in note


def test_a_stale_save_of_what_was_never_published_differs_in_what_was_changed(as_, staff):
    rosa, olivia = as_("rosa"), as_("olivia")
    row = {"name": "tell", "kind": "notice.tell", "wanted": ["sent"], "params": {"subject": "x"}}
    publishing.save(
        slug="calls", content={"name": "Calls", "trigger": "sent", "outcomes": [row]},
        based_on=0, revision=0, by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    url = "/operating-model/contracts/calls/edit/"
    mine, theirs = typed(rosa.get(url)), typed(olivia.get(url))
    assert olivia.post(url, {**theirs, "name": "Called"}).status_code == 303
    answer = rosa.post(url, {**mine, "tier": "daily"})
    assert answer.status_code == 409
    assert "Olivia Ortiz (RevOps operator) changed this meanwhile" in words(answer)
    assert answer.text.count('class="diff-row') == 1
    assert "name Calls Called" in words(answer)


@pytest.mark.parametrize("seen", ["", "0", "7", "x", "9" * 30, "\0"])
@pytest.mark.parametrize("act", ["publish", "submit", "discard", "send-back", "retire"])
def test_acting_on_what_was_not_seen_is_refused(as_, staff, act, seen):
    rosa = as_("rosa")
    rosa.post(EDIT, typed(rosa.get(EDIT)) | {"o-1-due_within": "4 h"})
    answer = rosa.post(f"{SENT}{act}/", {"seen": seen, "reason": "because"})
    assert answer.status_code in (409, 422)
    assert Contract.objects.head("sent").version == 1
    assert drafts.of("contract", "sent")


# --- A second person, back and away ---------------------------------------------------------------
def test_the_author_asks_and_an_approver_publishes_or_sends_it_back(as_, staff):
    rosa, vera = as_("rosa"), as_("vera")
    staff["vera"].approves_model = True
    staff["vera"].save()
    signed = "/operating-model/contracts/signed/"
    rosa.post(f"{signed}edit/", typed(rosa.get(f"{signed}edit/")) | {"name": "Signed it is"})
    page = rosa.get(signed)
    assert "Rosa Marin wrote this; a second person publishes it." in page.content.decode()
    assert "It writes to billing, so a second person publishes it." in words(page)
    assert rosa.post(f"{signed}publish/", {"seen": "1"}).status_code == 403
    assert "Nobody has asked for approval yet." in vera.get(signed).content.decode()
    assert rosa.post(f"{signed}submit/", form(page, action="/submit/")).status_code == 303

    page = vera.get(signed)
    assert "Waits for a second person" in words(page)
    back = form(page, action="/send-back/")
    assert vera.post(f"{signed}send-back/", back).status_code == 422
    assert vera.post(f"{signed}send-back/", {**back, "reason": "Not yet."}).status_code == 303
    assert rosa.post(f"{signed}submit/", {"seen": "1"}).status_code == 303
    assert (
        vera.post(f"{signed}publish/", form(vera.get(signed), action="/publish/")).status_code
        == 303
    )
    assert Contract.objects.live().get(slug="signed").name == "Signed it is"


def test_with_nobody_else_to_approve_it_is_not_asked_for(as_, staff):
    rosa, signed = as_("rosa"), "/operating-model/contracts/signed/"
    rosa.post(f"{signed}edit/", typed(rosa.get(f"{signed}edit/")) | {"name": "Signed it is"})
    page = rosa.get(signed)
    assert "Nobody else could be the second person" in page.text
    assert f'action="{signed}submit/"' not in page.text
    assert rosa.post(f"{signed}submit/", {"seen": "1"}).status_code == 422
    assert drafts.of("contract", "signed").submitted_at is None


@pytest.mark.parametrize(
    ("reason", "why"), [("", "Back to version 1."), ("Better.", "Back to version 1: Better.")]
)
def test_one_click_goes_back_and_a_reason_stands_with_it(as_, staff, reason, why):
    rosa = as_("rosa")
    before = content()
    publishing.put_in_force(
        slug="sent", content={**before, "name": "Otherwise"}, by=SETUP, at=instant.now()
    )
    page = rosa.get(f"{SENT}versions/1/")
    assert "Published" in words(page)
    back = form(page, action="/versions/1/roll-back/")
    answer = rosa.post(f"{SENT}versions/1/roll-back/", {**back, "reason": reason})
    assert answer.status_code == 303
    assert content() == before
    page = words(rosa.get(f"{SENT}versions/3/"))
    assert why in page
    assert "Otherwise A proposal is sent" in page


@pytest.mark.parametrize("url", [SENT, f"{SENT}versions/1/"])
def test_many_versions_cost_no_more_questions_than_one(
    as_, staff, django_assert_max_num_queries, url
):
    rosa = as_("rosa")
    rosa.get(url)
    with django_assert_max_num_queries(50) as few:
        rosa.get(url)
    for number in range(20):
        changed = {**content(), "name": f"Version {number}"}
        publishing.put_in_force(slug="sent", content=changed, by=SETUP, at=instant.now())
    with django_assert_max_num_queries(len(few.captured_queries)):
        rosa.get(url)


def test_what_is_still_under_way_is_said_before_it_is_retired(as_, staff, sent):
    rosa = as_("rosa")
    page = rosa.get(SENT)
    assert "Version 1 3 due" in words(page)
    retire = form(page, action="/retire/")
    assert rosa.post(f"{SENT}retire/", {**retire, "reason": "Nobody reads it."}).status_code == 303
    page = words(rosa.get(SENT))
    assert "It was retired: nothing begins under it." in page
    assert "Nobody reads it." in page
    assert "Retired" in words(rosa.get("/operating-model/contracts/"))


@pytest.mark.parametrize("name", ["sam", "remy", "ada", "vera"])
def test_who_may_not_draft_reads_why(as_, staff, name):
    page = as_(name).get(SENT).content.decode()
    assert "may not draft changes of the operating model" in page
    assert as_(name).get(EDIT).status_code == 403


@pytest.mark.parametrize(
    "path", ["nothing/", "nothing/edit/", "sent/versions/9/", "-/", "a_b/", "sent/versions/0/",
             f"sent/versions/{'9' * 30}/", f"{'a' * 200}/"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(as_, staff, path):
    assert as_("rosa").get(f"/operating-model/contracts/{path}").status_code == 404
