"""A contract written in the browser: by plain forms, row by row, with every no where it belongs."""

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy import drafts
from meshline.policy.models import Draft
from meshline.shell.founding import CONTRACTS
from proposals import publishing, versions
from proposals.models import Contract
from tests.filling import form, words

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


def test_rows_and_outcomes_come_and_go_without_saving(as_, staff):
    rosa = as_("rosa")
    data = typed(rosa.get(EDIT))
    data["o-1-subject"] = "Half typed {"
    page = rosa.post(EDIT, {**data, "if-add": "1"})
    assert page.status_code == 200
    data = typed(page)
    assert data["o-1-subject"] == ["Half typed {"]
    assert data["if-row"] == ["0"]
    data |= {"if-0-field": "amount", "if-0-op": "at_least", "if-0-value": "5000"}
    data = typed(rosa.post(EDIT, {**data, "add-outcome": "1", "new-kind": "ticket.open"}))
    assert data["outcome"] == ["0", "1", "2", "3"]
    assert data["o-3-wanted"] == ["sent"]
    assert "errorlist" not in rosa.post(EDIT, {**data, "if-add": "1"}).content.decode()
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
    assert saved()["condition"] == {"all": [{"field": "amount", "op": "at_least", "value": "5000"}]}
    assert "Amount is at least 5,000" in words(rosa.get(SENT))
    again = typed(rosa.get(EDIT))
    assert (again["if-0-field"], again["if-0-value"]) == (["amount"], ["5000"])
    assert typed(rosa.post(EDIT, {**again, "if-drop": "0"})).get("if-row") is None


def test_a_condition_with_an_expression_and_a_not(as_, staff):
    rosa = as_("rosa")
    data = typed(rosa.post(EDIT, {**typed(rosa.get(EDIT)), "if-add": "1"}))
    data |= {
        "if-0-field": "source", "if-0-op": "is", "if-0-value": "quotes", "if-0-not": "on",
        "if-join": "any", "if-cel": "amount >= 5000.0",
    }  # fmt: skip
    assert rosa.post(EDIT, data).status_code == 303
    assert saved()["condition"] == {"any": [
        {"not": {"field": "source", "op": "is", "value": "quotes"}}, {"cel": "amount >= 5000.0"},
    ]}  # fmt: skip
    again = typed(rosa.get(EDIT))
    assert (again["if-join"], again["if-cel"]) == (["any"], ["amount >= 5000.0"])
    assert again["if-0-not"] == ["on"]


def test_a_condition_deeper_than_rows_is_shown_as_it_is_kept(as_, staff):
    deep = {"all": [{"any": [{"field": "source", "op": "is", "value": "a"}]}]}
    publishing.put_in_force(
        slug="sent", content={**content(), "condition": deep}, by=SETUP, at=instant.now()
    )
    rosa = as_("rosa")
    data = typed(rosa.get(EDIT))
    assert '"any"' in data["if-raw"][0]
    assert rosa.post(EDIT, data).status_code == 303
    assert saved()["condition"] == deep
    answer = rosa.post(EDIT, {**typed(rosa.get(EDIT)), "if-raw": "{not json"})
    assert answer.status_code == 422
    anew = typed(rosa.post(EDIT, {**data, "if-as-rows": "1"}))
    assert "if-raw" not in anew


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
        ({"trigger": "sold"}, "Select a valid choice"),
        ({"trigger": ""}, "This field is required"),
        ({"name": "a\0"}, "Null characters are not allowed"),
        ({"tier": "soon"}, "Select a valid choice"),
        ({"owner": "person:nobody@example.com"}, "Select a valid choice"),
        ({"revision": "9" * 30}, "Ensure this value is less than"),
        ({"outcome": []}, "A contract asks for at least one outcome"),
        ({"o-2-name": "follow-up"}, "Two outcomes are called follow-up"),
        ({"if-row": ["0"], "if-0-field": "colour", "if-0-op": "is"}, "There is no field"),
        ({"if-row": ["0"], "if-0-field": "amount", "if-0-op": "is", "if-0-value": "x"}, "number"),
        ({"if-row": ["0"]}, "There is no field"),
        ({"if-cel": "[1].map(x, x)"}, "loops; an expression here does not"),
        ({"if-cel": "1 > 0 || " * 11_000 + "true"}, "At most 1000 characters"),
        ({"if-cel": "title.__class__ == 1"}, "No field has a part"),
        ({"if-raw": "[" * 19_000}, "Write a clause"),
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
        {"if-row": ["x"] * 500}, {"outcome": [str(n) for n in range(10_000)]},
        {"add-outcome": "1", "new-kind": "\0"}, {"drop-outcome": "\0"}, {"raise-outcome": "0"},
    ],
)  # fmt: skip
def test_whatever_is_sent_is_no_fault_of_ours(as_, staff, data):
    for url in (EDIT, "/operating-model/contracts/new/"):
        assert as_("rosa").post(url, data).status_code in (200, 400, 422)


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
    rosa = as_("rosa")
    url = "/operating-model/contracts/new/"
    data = typed(rosa.post(url, {"slug": "sent", "name": "x", "trigger": "sent",
                                 "add-outcome": "1", "new-kind": "notice.tell"}))  # fmt: skip
    data |= {"based_on": "0", "revision": "0", "o-0-name": "another", "o-0-subject": "x"}
    answer = rosa.post(url, data)
    assert answer.status_code == 409
    assert "changed this meanwhile" in words(answer)


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


def test_one_click_and_a_reason_go_back(as_, staff):
    rosa = as_("rosa")
    before = content()
    publishing.put_in_force(
        slug="sent", content={**before, "name": "Otherwise"}, by=SETUP, at=instant.now()
    )
    page = rosa.get(f"{SENT}versions/1/")
    assert "Published" in words(page)
    back = form(page, action="/versions/1/roll-back/")
    assert rosa.post(f"{SENT}versions/1/roll-back/", back).status_code == 422
    answer = rosa.post(f"{SENT}versions/1/roll-back/", {**back, "reason": "It was better."})
    assert answer.status_code == 303
    assert content() == before
    page = words(rosa.get(f"{SENT}versions/3/"))
    assert "Back to version 1: It was better." in page
    assert "Otherwise A proposal is sent" in page


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
