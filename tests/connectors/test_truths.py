"""Whose word counts, in the browser: to read for everybody, to agree on for managers."""

import re

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices import tidings
from meshline.notices.models import Notice
from meshline.people.models import User
from meshline.people.permissions import Role
from meshline.policy import sources_of_truth
from meshline.policy.drafts import SecondPerson
from meshline.policy.models import SourceOfTruth
from meshline.policy.truth import How, Truth
from proposals import whose_word
from tests import factories
from tests.factories import connected, hubspot, pandadoc, person
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

TRUTHS = "/operating-model/sources-of-truth/"
AMOUNT = f"{TRUTHS}proposal/amount/"
CLOSING = f"{TRUTHS}proposal/close/"


@pytest.fixture(autouse=True)
def senders(staff):
    pandadoc()
    hubspot()
    connected("slack", credential="x")


def agreed(name="amount"):
    row = SourceOfTruth.objects.filter(field=name).first()
    return (row.how, row.connection) if row else None


def publish(client, url=AMOUNT, **asked):
    preview = client.get(url, asked)
    named = ("seen", "connection", "previewed", *(["how"] if "how" in asked else []))
    return client.post(url, {name: hidden(preview, name) for name in named})


# --- To read ---------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["olivia", "rosa", "sam", "remy", "ada", "vera"])
def test_everybody_reads_the_table_and_only_managers_change_it(as_, who):
    page = as_(who).get(TRUTHS)
    said = words(page)
    assert "Quoting Draft, sent, viewed, signed, disputed and expired" in said
    assert "Amount Most recent by itself —" in said
    assert (AMOUNT in page.content.decode()) == (who == "rosa")
    assert ("may not change the operating model" in said) == (who != "rosa")


def test_what_is_agreed_stands_there_in_words(as_):
    at = instant.now()
    whose_word.publish(name="amount", agreed=Truth(How.UNLESS_BLANK, "hubspot"), by=SETUP, at=at)
    whose_word.publish(name="title", agreed=Truth(How.ALWAYS), by=SETUP, at=at)
    whose_word.publish(name="close", agreed=Truth(How.ALWAYS, "hubspot"), by=SETUP, at=at)
    said = words(as_("vera").get(TRUTHS))
    assert "Amount Unless blank HubSpot" in said
    assert "Title Always The connection that brought the proposal" in said
    assert "Closing Closed won and closed lost HubSpot" in said
    systems = words(as_("vera").get("/operating-model/systems/"))
    assert "The amount, unless blank" in systems
    assert "The title, always" in systems


# --- To change -------------------------------------------------------------------------------
def test_only_what_sends_is_offered_and_people_for_moves_alone(as_):
    rosa = as_("rosa")
    offered = [key for key, _ in rosa.get(AMOUNT).context["form"].fields["connection"].choices]
    assert offered == ["", "hubspot", "pandadoc"]
    moves = rosa.get(f"{TRUTHS}proposal/billing/").context["form"].fields
    assert "how" not in moves
    assert [key for key, _ in moves["connection"].choices] == ["", "people", "hubspot", "pandadoc"]


def test_a_move_gets_another_authority_after_it_was_seen_what_that_means(as_, max_):
    rosa = as_("rosa")
    preview = rosa.get(CLOSING, {"connection": "hubspot"})
    assert "From then on closed won and closed lost is for HubSpot to say" in words(preview)
    assert agreed("close") == ("always", "")
    assert "It says who closes a proposal, so a second person publishes it." in words(preview)
    assert publish(rosa, CLOSING, connection="hubspot").status_code == 303
    assert agreed("close") == ("always", "")


def ask_for_hubspot(rosa):
    publish(rosa, CLOSING, connection="hubspot")
    return {"revision": hidden(rosa.get(CLOSING), "revision")}


@pytest.fixture
def max_(staff):
    person("max@example.com", "Max Hale", Role.MANAGER, staff["rosa"].team)
    return signed_in(User.objects.get(email="max@example.com"))


def test_what_closes_a_proposal_is_agreed_by_a_second_person(as_, max_):
    rosa = as_("rosa")
    asked = ask_for_hubspot(rosa)
    waits = words(rosa.get(CLOSING))
    assert "Rosa Marin asks that it be HubSpot; now it is" in waits
    assert "Rosa Marin wrote this; a second person publishes it." in waits
    rosa.post(f"{CLOSING}publish/", asked)
    assert agreed("close") == ("always", "")
    inbox = max_.get("/approvals/").content.decode()
    assert f'href="{CLOSING}"' in inbox
    assert "Nothing waits for you" in words(rosa.get("/approvals/"))
    assert max_.post(f"{CLOSING}publish/", asked).status_code == 303
    assert agreed("close") == ("always", "hubspot")
    assert "Closing is agreed: HubSpot." in words(max_.get(TRUTHS))
    line = TrailLine.objects.filter(what="authority.changed").newest_first().first()
    assert line.actor_label == "Max Hale (RevOps manager)"


def test_an_approver_is_told_reads_and_publishes_what_takes_a_second_person(as_, staff):
    vera, rosa = as_("vera"), as_("rosa")
    User.objects.filter(pk=staff["vera"].pk).update(approves_model=True)
    assert vera.get(CLOSING).status_code == 403
    asked = ask_for_hubspot(rosa)
    tidings.tell(at=instant.now())
    [told] = Notice.objects.filter(user=staff["vera"])
    assert told.url == CLOSING
    assert f'href="{CLOSING}"' in vera.get("/approvals/").content.decode()
    page = vera.get(CLOSING)
    assert "Rosa Marin asks that it be HubSpot" in words(page)
    assert "choose-truth" not in page.content.decode()
    assert "Throw it away" not in words(page)
    # What she was not asked for stays a manager's, as does what others who approve nothing read.
    assert vera.get(AMOUNT).status_code == 403
    assert vera.post(CLOSING, asked).status_code == 403
    for who in ("olivia", "ada"):
        assert as_(who).get(CLOSING).status_code == 403
        assert as_(who).post(f"{CLOSING}publish/", asked).status_code == 403
    assert vera.post(f"{CLOSING}publish/", asked).status_code == 303
    assert agreed("close") == ("always", "hubspot")
    assert vera.get(CLOSING).status_code == 403


def test_where_nobody_else_could_be_the_second_person_nobody_is_asked(as_):
    answer = publish(as_("rosa"), CLOSING, connection="hubspot")
    assert answer.status_code == 422
    assert "Nobody else could be the second person" in words(answer)
    assert sources_of_truth.asked("close") is None


def test_nobody_is_asked_to_agree_on_what_is_agreed_already(as_, max_):
    answer = publish(as_("rosa"), CLOSING, connection="")
    assert (answer.status_code, "That is agreed already." in words(answer)) == (422, True)
    assert "Nothing waits for you" in words(max_.get("/approvals/"))


def test_what_is_asked_for_is_thrown_away_and_asked_for_once_at_a_time(as_, max_):
    rosa = as_("rosa")
    asked = ask_for_hubspot(rosa)
    again = publish(max_, CLOSING, connection="pandadoc")
    assert again.status_code == 422
    assert "Rosa Marin asks for a change of it already" in words(again)
    assert rosa.post(f"{CLOSING}discard/", asked).status_code == 303
    assert "Waits for a second person" not in words(rosa.get(CLOSING))
    max_.post(f"{CLOSING}publish/", asked)
    assert agreed("close") == ("always", "")


def test_what_is_agreed_meanwhile_is_not_overwritten_by_what_was_asked(as_, max_):
    asked = ask_for_hubspot(as_("rosa"))
    whose_word.publish(
        name="close", agreed=Truth(How.ALWAYS, "pandadoc"), by=SETUP, at=instant.now()
    )
    answer = max_.post(f"{CLOSING}publish/", asked, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert agreed("close") == ("always", "pandadoc")


@pytest.mark.parametrize("name", ["close", "billing"])
def test_nobody_agrees_on_it_alone_by_a_file_either(staff, name):
    row = SourceOfTruth.objects.filter(field=name).first()
    now = row.connection if row else ""
    for _ in range(2):
        with pytest.raises(SecondPerson, match="a second person publishes it"):
            sources_of_truth.agree(
                record_kind="proposal", field=name, connection="pandadoc", by=staff["rosa"],
                at=instant.now(),
            )  # fmt: skip
    assert (agreed(name) or ("", ""))[1] == now


def test_what_was_not_previewed_is_not_published(as_):
    rosa = as_("rosa")
    asked = {"seen": hidden(rosa.get(AMOUNT), "seen"), "how": "always", "connection": "pandadoc"}
    for mark in ("", "amount:ask:", "\0"):
        answer = rosa.post(AMOUNT, {**asked, "previewed": mark})
        assert answer.status_code == 303
        assert answer["Location"] == f"{AMOUNT}?how=always&connection=pandadoc"
        assert "no proposal was told" in words(rosa.get(answer["Location"])).lower()
    assert agreed() is None


def test_an_authority_that_never_says_the_field_is_warned_about(as_):
    factories.post_pandadoc([factories.document("sent")], event_id="1")
    factories.digest_all()
    rosa = as_("rosa")
    warning = "has not told the amount of any proposal so far. Until it does, the most recent word"
    for page in (AMOUNT, f"{AMOUNT}preview/"):
        silent = words(rosa.get(page, {"how": "always", "connection": "hubspot"}))
        assert f"HubSpot {warning}" in silent
        for how, connection in (("always", "pandadoc"), ("recent", ""), ("always", "")):
            assert warning not in words(rosa.get(page, {"how": how, "connection": connection}))


def test_a_preview_is_a_page_to_reload_and_to_hand_on(as_):
    """Its address says the choice, and nothing that belongs to one person's session."""
    rosa = as_("rosa")
    page = rosa.get(AMOUNT, {"how": "unless_blank", "connection": "hubspot"})
    assert page.status_code == 200
    assert page.context["form"]["how"].value() == "unless_blank"
    assert "no proposal was told" in words(page).lower()
    choosing, publishing = re.findall(r"<form id=.*?</form>", page.content.decode(), re.DOTALL)
    assert 'method="get"' in choosing
    assert "csrf" not in choosing
    assert 'name="seen"' not in choosing
    assert 'method="post"' in publishing
    assert agreed() is None


def test_who_asks_a_person_needs_no_authority(as_):
    """Whatever the list below still says."""
    assert publish(as_("rosa"), how="ask", connection="hubspot").status_code == 303
    assert agreed() == ("ask", "")


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("how", {"how": "sometimes", "connection": ""}),
        ("how", {"how": "", "connection": ""}),
        ("how", {"how": "\0", "connection": ""}),
        ("how", {"how": "x" * 10_000, "connection": ""}),
        ("connection", {"how": "always", "connection": "no-such"}),
        ("connection", {"how": "always", "connection": "slack"}),
        ("connection", {"how": "always", "connection": "people"}),
        ("connection", {"how": "always", "connection": "\0"}),
        ("connection", {"how": "always", "connection": "9" * 400}),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_cannot_be_is_refused_at_its_field_and_stays_chosen(as_, field, asked, method):
    rosa = as_("rosa")
    answer = getattr(rosa, method)(AMOUNT, asked)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert answer.context["form"][field].value() == asked[field]
    assert agreed() is None


@pytest.mark.parametrize(
    "place",
    ["proposal/colour", "proposal/currency", "lead/amount", "proposal/%00", "%00/amount",
     "proposal/" + "x" * 300, "proposal/__class__"],
)  # fmt: skip
def test_what_is_no_move_or_field_is_not_found(as_, place):
    rosa = as_("rosa")
    for url in (f"{TRUTHS}{place}/", f"{TRUTHS}{place}/preview/"):
        assert rosa.get(url).status_code == 404


def test_the_part_of_the_form_follows_what_is_chosen(as_):
    rosa = as_("rosa")
    part = rosa.get(f"{AMOUNT}preview/", {"how": "ask", "connection": ""})
    assert part.status_code == 200
    assert "<html" not in part.content.decode()
    assert hidden(part, "previewed") == "amount:ask:"
    assert part["HX-Replace-Url"] == f"{AMOUNT}?how=ask&connection="
    wrong = rosa.get(f"{AMOUNT}preview/", {"how": "sometimes"})
    assert wrong.status_code == 422
    assert "Choose one from the list." in words(wrong)
    assert "HX-Replace-Url" not in wrong
    assert rosa.get(f"{AMOUNT}preview/").status_code == 422


def test_the_second_of_two_managers_sees_what_the_first_agreed(as_):
    rosa = as_("rosa")
    asked = {"how": "always", "connection": "pandadoc"}
    preview = rosa.get(AMOUNT, asked)
    seen, mark = hidden(preview, "seen"), hidden(preview, "previewed")
    whose_word.publish(name="amount", agreed=Truth(How.ASK), by=SETUP, at=instant.now())
    answer = rosa.post(AMOUNT, {"seen": seen, **asked, "previewed": mark})
    assert answer.status_code == 409
    said = words(answer)
    assert "changed this meanwhile" in said
    assert f"Which value counts {How.RECENT.label} {How.ASK.label}" in said
    assert "field amount" not in said
    assert "Publish again to make it as you chose it." in said
    assert agreed() == ("ask", "")
    again = {**asked, "seen": hidden(answer, "seen"), "previewed": hidden(answer, "previewed")}
    assert rosa.post(AMOUNT, again).status_code == 303
    assert agreed() == ("always", "pandadoc")


@pytest.mark.parametrize("seen", ["", "x", "\0"])
def test_what_was_seen_cannot_be_made_up(as_, seen):
    whose_word.publish(name="amount", agreed=Truth(How.ASK), by=SETUP, at=instant.now())
    asked = {"how": "recent", "connection": "", "previewed": "amount:recent:"}
    assert as_("rosa").post(AMOUNT, {"seen": seen, **asked}).status_code == 409
    assert agreed() == ("ask", "")


def test_an_authority_that_is_not_connected_any_more_is_kept_in_sight(as_):
    SourceOfTruth.objects.create(record_kind="proposal", field="title", connection="old-crm")
    form = as_("rosa").get(f"{TRUTHS}proposal/title/").context["form"]
    assert form["connection"].value() == "old-crm"
    assert ("old-crm", "old-crm") in form.fields["connection"].choices
