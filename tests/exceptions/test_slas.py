"""SLAs in the browser: who sees and changes them, the preview first, and what is refused."""

import re

import pytest

from exceptions import deadlines, troubles
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.policy.models import Sla
from meshline.policy.sla import Terms
from proposals.models import Contract
from tests.exceptions.conftest import HTMX, MONDAY, open_one
from tests.factories import reread
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

ALL = "/operating-model/slas/"


def high():
    return Sla.objects.get(kind="", severity="high")


def url_of(row, then=""):
    return f"{ALL}{row.pk}/{then}"


def hidden(answer, name):
    found = re.search(rf'name="{name}"\s+value="([^"]*)"', answer.content.decode())
    return found.group(1) if found else ""


def typed(answer):
    return [re.search(rf'name="{name}"[^>]*', answer.content.decode()).group(0)
            for name in ("ack_within", "fix_within")]  # fmt: skip


def fill(client, url, **asked):
    """Open the form, preview what was typed, and publish that."""
    start = client.get(url)
    first = {"seen": hidden(start, "seen"), **asked}
    previewed = client.post(url, {**first, "preview": "1"})
    again = {"previewed": hidden(previewed, "previewed"), "publish": "1"}
    return previewed, lambda: client.post(url, {**first, **again})


# --- Seeing ----------------------------------------------------------------------------------
def test_everybody_reads_them_in_words_with_the_tickets_under_each(as_, staff, ticket):
    open_one("two", kind="dispute")
    Sla.objects.create(kind="dispute", severity="high", ack_within=15, fix_within=90)
    answer = as_(staff["vera"]).get(ALL)
    rows = [(row["kind"], row["ack"], row["fix"], row["open"]) for row in answer.context["rows"]]
    assert rows == [
        ("", "15 min", "2 h", 0), ("", "30 min", "4 h", 1), ("Proposal disputed", "15 min",
        "1 h 30 min", 1), ("", "2 h", "8 h", 0), ("", "8 h", "40 h", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("who", ["olivia", "sam", "remy", "ada", "vera"])
def test_who_may_not_change_them_reads_why_and_is_refused(as_, staff, who):
    client = as_(staff[who])
    page = client.get(ALL).content.decode()
    assert "may not change the operating model. Ask a RevOps manager." in page
    assert f'href="{url_of(high())}"' not in page
    assert client.get(url_of(high())).status_code == 403
    assert client.post(url_of(high()), {"ack_within": "5"}, headers=HTMX).status_code == 403


def test_the_list_asks_the_same_however_many_there_are(as_, rosa, django_assert_max_num_queries):
    client = as_(rosa)
    for kind in ("dispute", "delivery-failed", "proof-missing"):
        Sla.objects.create(kind=kind, severity="high", ack_within=15, fix_within=90)
    client.get(ALL)
    with django_assert_max_num_queries(12):
        client.get(ALL)


def test_an_sla_that_no_ticket_can_have_says_so(as_, rosa):
    Sla.objects.create(kind="dispute", severity="low", ack_within=15, fix_within=90)
    assert "No ticket of this kind is low; it is never used." in words(as_(rosa).get(ALL))


# --- Changing --------------------------------------------------------------------------------
def test_a_change_is_previewed_and_then_published(as_, rosa, ticket):
    previewed, publish = fill(as_(rosa), url_of(high()), ack_within="15", fix_within="1 h")
    assert "Would move 1 open ticket, none would be overdue." in words(previewed)
    assert high().fix_within == 240
    answer = publish()
    assert (answer.status_code, answer.headers["Location"]) == (303, ALL)
    assert (high().ack_within, high().fix_within) == (15, 60)
    assert f"{reread(ticket).fix_due_at:%H:%M}" == "10:30"
    said = words(as_(rosa).get(ALL))
    assert "acknowledged within 15 min, fixed within 1 h. 1 open ticket moved." in said


def test_a_preview_shows_both_deadlines_with_their_days(as_, rosa, ticket):
    previewed, _ = fill(as_(rosa), url_of(high()), ack_within="30", fix_within="1 h")
    page = words(previewed)
    assert "to be acknowledged" in page
    assert "stays" in page
    assert "to be fixed" in page
    assert "10:30" in page


def test_what_was_not_previewed_is_previewed_first(as_, rosa, ticket):
    client, url = as_(rosa), url_of(high())
    previewed, _ = fill(client, url, ack_within="15", fix_within="1 h")
    kept = {name: hidden(previewed, name) for name in ("seen", "previewed")}
    other = {"ack_within": "1", "fix_within": "2", "publish": "1", **kept}
    answer = client.post(url, other)
    assert answer.status_code == 200
    assert "Would move 1 open ticket" in words(answer)
    assert high().fix_within == 240


def test_the_preview_is_a_part_that_htmx_asks_for_and_writes_nothing(as_, rosa, ticket):
    before = TrailLine.objects.count()
    answer = as_(rosa).get(
        f"{ALL}preview/", {"of": high().pk, "ack_within": "1", "fix_within": "5"}, headers=HTMX
    )
    assert "Would move 1 open ticket" in words(answer)
    assert "<html" not in answer.content.decode()
    assert hidden(answer, "previewed") == "high::1:5"
    assert (high().fix_within, TrailLine.objects.count()) == (240, before)


@pytest.mark.parametrize("of", ["0", "x", "9" * 30, "", "-1", "\0"])
def test_a_preview_of_nothing_there_is_no_fault(as_, rosa, of):
    answer = as_(rosa).get(f"{ALL}preview/", {"of": of, "ack_within": "1", "fix_within": "5"})
    assert answer.status_code in {404, 422}


def test_a_preview_of_half_typed_words_says_what_is_missing(as_, rosa):
    asked = {"of": high().pk, "ack_within": "soon", "fix_within": ""}
    answer = as_(rosa).get(f"{ALL}preview/", asked, headers=HTMX)
    assert answer.status_code == 422
    assert "Acknowledged within: Write business minutes or hours" in words(answer)


def test_the_times_it_has_cannot_be_published_again(as_, rosa, ticket):
    previewed, _ = fill(as_(rosa), url_of(high()), ack_within="30", fix_within="240 min")
    assert "there is nothing to publish" in words(previewed)
    assert hidden(previewed, "previewed") == ""


# --- Adding and removing -----------------------------------------------------------------------
def test_a_kind_gets_its_own_and_loses_it_again(as_, rosa, ticket):
    client = as_(rosa)
    previewed, publish = fill(
        client, f"{ALL}add/", kind="delivery-failed", ack_within="10", fix_within="20"
    )
    assert "Would move 1 open ticket" in words(previewed)
    assert publish().status_code == 303
    own = Sla.objects.get(kind="delivery-failed")
    assert (own.severity, own.ack_within, own.fix_within) == ("high", 10, 20)
    assert f"{reread(ticket).fix_due_at:%H:%M}" == "09:50"
    asked = client.get(url_of(own, "remove/"))
    assert "Would move 1 open ticket" in words(asked)
    assert client.post(url_of(own, "remove/"), {"seen": hidden(asked, "seen")}).status_code == 303
    assert not Sla.objects.filter(kind="delivery-failed").exists()
    assert f"{reread(ticket).fix_due_at:%H:%M}" == "13:30"


def test_a_kind_that_has_its_own_is_not_offered(as_, rosa):
    Sla.objects.create(kind="dispute", severity="high", ack_within=15, fix_within=90)
    form = as_(rosa).get(f"{ALL}add/").context["form"]
    assert "dispute" not in dict(form.fields["kind"].choices)


def test_the_default_cannot_be_removed_and_says_why(as_, rosa):
    client = as_(rosa)
    assert client.get(ALL).content.decode().count("The default of a severity stays") == 4
    start = client.get(url_of(high(), "remove/"))
    assert 'class="btn btn-danger"' not in start.content.decode()
    answer = client.post(url_of(high(), "remove/"), {"seen": hidden(start, "seen")})
    assert answer.status_code == 422
    assert high().fix_within == 240


# --- Refusing --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("ack", "fix", "field"),
    [
        ("0", "60", "ack_within"), ("-5", "60", "ack_within"), ("15", "0", "fix_within"),
        ("15", "87600 h", "fix_within"), ("15", "5256000", "fix_within"),
        ("61", "60", "fix_within"), ("soon", "60", "ack_within"), ("15", "", "fix_within"),
        ("1\0", "60", "ack_within"), ("15", "1e3", "fix_within"), ("15", "٣", "fix_within"),
        ("9" * 5000, "60", "ack_within"), ("<b>", "60", "ack_within"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("button", ["preview", "publish"])
def test_what_cannot_be_is_refused_at_its_field_and_stays_typed(as_, rosa, ack, fix, field, button):
    asked = {"ack_within": ack, "fix_within": fix, button: "1"}
    answer = as_(rosa).post(url_of(high()), asked)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert answer.context["form"]["ack_within"].value() == ack
    assert (high().ack_within, high().fix_within) == (30, 240)


@pytest.mark.parametrize("kind", ["", "no-such-kind", "\0", "critical"])
def test_an_unknown_kind_is_refused(as_, rosa, kind):
    asked = {"kind": kind, "ack_within": "5", "fix_within": "10", "publish": "1"}
    answer = as_(rosa).post(f"{ALL}add/", asked)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["kind"]


@pytest.mark.parametrize("seen", ["", "nonsense", "\0", "eyJ4IjoxfQ:1:x"])
def test_what_was_seen_cannot_be_made_up(as_, rosa, seen):
    asked = {"ack_within": "5", "fix_within": "10", "publish": "1", "previewed": "high::5:10"}
    answer = as_(rosa).post(url_of(high()), {**asked, "seen": seen})
    assert answer.status_code == 409
    assert high().fix_within == 240


def test_the_second_of_two_managers_sees_what_the_first_changed(as_, rosa, ticket):
    _, publish = fill(as_(rosa), url_of(high()), ack_within="5", fix_within="10")
    deadlines.publish(kind="", severity="high", agreed=Terms(20, 120), by=rosa, at=instant.now())
    answer = publish()
    assert answer.status_code == 409
    said = words(answer)
    assert "Another window of yours changed this meanwhile" in said
    assert "Fixed within 4 h 2 h" in said
    # In the words of the button that does it.
    assert "Publish again to make it as you typed it." in said
    assert "Save again" not in said
    assert 'value="5"' in typed(answer)[0]
    assert high().fix_within == 120
    # Saving once more is a decision.
    kept = {name: hidden(answer, name) for name in ("seen", "previewed")}
    decided = {"ack_within": "5", "fix_within": "10", "publish": "1", **kept}
    assert as_(rosa).post(url_of(high()), decided).status_code == 303
    assert high().fix_within == 10


def test_an_sla_that_somebody_removed_meanwhile_is_told(as_, rosa):
    own = Sla.objects.create(kind="dispute", severity="high", ack_within=15, fix_within=90)
    url = url_of(own)
    own.delete()
    client = as_(rosa)
    answer = client.post(url, {"ack_within": "5", "fix_within": "10"})
    assert (answer.status_code, answer.headers["Location"]) == (303, ALL)
    assert "Somebody removed this SLA meanwhile" in words(client.get(ALL))


# --- First follow-up -------------------------------------------------------------------------
def test_the_first_follow_up_of_each_kind_is_shown_and_leads_to_its_contract(as_, staff):
    client = as_(staff["remy"])
    assert 'hx-get="/operating-model/slas/follow-ups/"' in client.get(ALL).content.decode()
    page = client.get("/operating-model/slas/follow-ups/")
    assert "Follow up a proposal is sent 16 h sent or viewed A proposal is sent" in words(page)
    assert "Onboarding a proposal is signed 8 h" in words(page)
    part = client.get("/operating-model/slas/follow-ups/", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert 'href="/operating-model/contracts/#sent"' in part.content.decode()
    Contract.objects.update(is_live=False)
    none = client.get("/operating-model/slas/follow-ups/")
    assert "No live contract asks for a follow-up within a time." in words(none)


# --- On the ticket ---------------------------------------------------------------------------
def test_the_ticket_tells_in_its_timeline_when_it_was_and_is_due(as_, rosa, staff, ticket):
    deadlines.publish(kind="", severity="high", agreed=Terms(15, 60), by=rosa, at=MONDAY)
    for who in ("olivia", "vera"):
        page = words(as_(staff[who]).get(f"/queue/{ticket.pk}/"))
        assert "Deadline moved" in page
        assert "2 Mar 2026, 13:30:00 UTC 2 Mar 2026, 10:30:00 UTC" in page
    assert troubles.unsettled(ticket)
