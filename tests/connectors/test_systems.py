"""The inventory of systems: what it shows, and who changes what in it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connectors import connections, parts
from connectors.connections import SettingError, Settings
from connectors.models import Connection
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people import teams
from meshline.people.models import Team, User
from meshline.people.permissions import NotAllowed
from meshline.people.teams import TeamError
from meshline.policy import roles
from meshline.policy.models import SystemRole
from meshline.policy.operating_model import ModelError, Stale
from meshline.policy.truth import How, Truth
from proposals import whose_word
from proposals.models import Contract, Outcome
from tests.factories import connected, digest_all, document, hubspot, pandadoc, post_pandadoc
from tests.reading import hidden, words, words_of

pytestmark = pytest.mark.django_db

SYSTEMS = "/operating-model/systems/"
CRM = f"{SYSTEMS}parts/crm/"
PANDADOC = f"{SYSTEMS}of/pandadoc/"


def row(page, of):
    """The words of the one row of a table that has this in it."""
    (found,) = [one for one in page.content.decode().split("<tr") if of in one][:1]
    return words_of("<tr" + found.split("</tr>")[0])


def play(staff, slug, by="rosa", part="crm", seen=None):
    parts.play(part=part, slug=slug, by=staff[by], at=instant.now(), seen=seen)


# --- To see ----------------------------------------------------------------------------------
def test_the_inventory_shows_parts_emitters_and_consumers(as_, staff):
    pandadoc(owner=staff["ada"], expected_every=90, tier="seconds")
    hubspot()
    rosa = as_("rosa")
    assert f'href="{SYSTEMS}"' in rosa.get("/operating-model/").content.decode()
    page = rosa.get(SYSTEMS)
    sends = row(page, "· pandadoc")
    assert "PandaDoc · pandadoc · the quoting tool" in sends
    assert "expected every 1 h 30 m" in sends
    assert "Draft, sent, viewed, signed, disputed and expired of the proposals it brings" in sends
    assert "Seconds Ada Stone" in " ".join(sends.replace("AS", "").split())
    assert "Create or update the deal when sent, viewed, signed" in words(page)
    assert "Close the task" not in words(page)
    # Nothing plays billing; the invoice is optional, so that is no gap.
    assert "Nothing yet" in row(page, 'id="part-billing"')


def test_a_part_that_contracts_need_and_nothing_plays_is_a_gap(as_, staff):
    page = as_("vera").get(SYSTEMS)
    assert "Contracts ask for it, and nothing plays it" in row(page, 'id="part-crm"')
    assert "Nothing that sends is connected yet." in words(page)


@pytest.mark.parametrize("who", ["rosa", "ada", "olivia", "vera"])
def test_what_one_may_not_change_is_disabled_with_the_reason(as_, staff, who):
    pandadoc()
    page = as_(who).get(SYSTEMS).content.decode()
    assert (CRM in page) == (who == "rosa")
    assert ("may not change the operating model" in page) == (who != "rosa")
    assert (PANDADOC in page) == (who in ("rosa", "ada"))
    assert ("may not agree on a connection" in page) == (who in ("olivia", "vera"))


# --- Parts -----------------------------------------------------------------------------------
def test_a_manager_gives_a_part_to_another_connection(as_, staff):
    hubspot()
    connected("hubspot", slug="hubspot-eu")
    rosa = as_("rosa")
    form = rosa.get(CRM)
    assert "Create or update the deal" in words(form)
    asked = {"seen": hidden(form, "seen"), "connection": "hubspot-eu"}
    assert rosa.post(CRM, asked).status_code == 303
    assert "The CRM is hubspot-eu now." in words(rosa.get(SYSTEMS))
    assert roles.connection_for("crm") == "hubspot-eu"
    line = TrailLine.objects.get(what="part.assigned")
    assert (line.before["connection"], line.after["connection"]) == ("hubspot", "hubspot-eu")


def test_what_was_promised_to_nobody_goes_to_who_plays_the_part_now(staff):
    pandadoc()
    post_pandadoc([document("sent")])
    digest_all()
    waiting = Outcome.objects.filter(target="crm")
    assert set(waiting.values_list("connection", flat=True)) == {""}
    hubspot()
    play(staff, "")
    post_pandadoc([document("sent", id="doc-2")], event_id="2")
    digest_all()
    mine = waiting.filter(proposal__external_id="doc-2")
    assert set(mine.values_list("connection", flat=True)) == {""}
    play(staff, "hubspot")
    assert set(mine.values_list("connection", flat=True)) == {"hubspot"}


def test_what_waits_for_the_one_before_stays_with_it(staff):
    pandadoc()
    hubspot()
    post_pandadoc([document("sent")])
    digest_all()
    connected("hubspot", slug="hubspot-eu")
    play(staff, "hubspot-eu")
    found = Outcome.objects.filter(target="crm").values_list("connection", flat=True)
    assert set(found) == {"hubspot"}


@pytest.mark.parametrize(
    ("part", "slug", "sentence"),
    [
        ("crm", "pandadoc", "only sends; nothing can be carried there"),
        ("crm", "slack", "Slack cannot create or update the deal"),
        ("quoting", "slack", "sends nothing"),
        ("crm", "no-such", "There is no connection"),
        ("crm", "9" * 200, "There is no connection"),
        ("no-such", "hubspot", "There is no part"),
        ("meshline", "hubspot", "There is no part"),
    ],
)  # fmt: skip
def test_who_cannot_play_a_part_does_not(staff, part, slug, sentence):
    pandadoc()
    hubspot()
    connected("slack", credential="x")
    before = set(SystemRole.objects.values_list("role", "connection"))
    with pytest.raises(ModelError, match=sentence):
        play(staff, slug, part=part)
    assert set(SystemRole.objects.values_list("role", "connection")) == before


@pytest.mark.parametrize("slug", ["no-such", "\0", "pandadoc", "9" * 300])
def test_a_choice_that_is_none_is_refused_at_its_field(as_, slug):
    pandadoc()
    hubspot()
    rosa = as_("rosa")
    answer = rosa.post(CRM, {"seen": hidden(rosa.get(CRM), "seen"), "connection": slug})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["connection"]
    assert roles.connection_for("crm") == "hubspot"


@pytest.mark.parametrize("name", ["no-such", "meshline", "%00", "x" * 300])
def test_a_part_that_is_none_is_not_found(as_, name):
    assert as_("rosa").get(f"{SYSTEMS}parts/{name}/").status_code == 404


def test_the_second_of_two_managers_sees_what_the_first_changed(as_, staff):
    hubspot()
    connected("hubspot", slug="hubspot-eu")
    rosa = as_("rosa")
    seen = hidden(rosa.get(CRM), "seen")
    play(staff, "hubspot-eu")
    answer = rosa.post(CRM, {"seen": seen, "connection": ""})
    assert answer.status_code == 409
    assert "Another window of yours changed this meanwhile" in words(answer)
    assert roles.connection_for("crm") == "hubspot-eu"
    again = rosa.post(CRM, {"seen": hidden(answer, "seen"), "connection": ""})
    assert again.status_code == 303
    assert roles.connection_for("crm") == ""


@pytest.mark.parametrize("seen", ["", "x", "\0"])
def test_what_was_seen_cannot_be_made_up(as_, seen):
    hubspot()
    answer = as_("rosa").post(CRM, {"seen": seen, "connection": ""})
    assert answer.status_code == 409
    assert roles.connection_for("crm") == "hubspot"


def test_only_managers_give_parts_away(staff):
    hubspot()
    for name in ("olivia", "ada", "vera"):
        with pytest.raises(NotAllowed):
            play(staff, "", by=name)
    with pytest.raises(Stale):
        play(staff, "", seen="pandadoc")


def test_a_contract_that_asks_for_more_makes_a_gap_of_who_played_the_part(as_, staff):
    hubspot()
    contract = Contract.objects.live().get(slug="viewed")
    contract.outcomes = [*contract.outcomes, {
        "name": "invoice", "kind": "invoice.create", "target": "crm", "wanted": ["viewed"],
    }]  # fmt: skip
    contract.save()
    page = as_("rosa").get(SYSTEMS)
    assert "HubSpot cannot create the invoice" in row(page, 'id="part-crm"')


# --- Owner, tier and rhythm ------------------------------------------------------------------
def agreed(client, **changes):
    form = client.get(PANDADOC).context["form"]
    asked = {
        "owner": "",
        "tier": "hours",
        "expected_every": "30",
        "version": form["version"].value(),
    }
    return client.post(PANDADOC, {**asked, **changes})


@pytest.mark.parametrize("who", ["rosa", "ada"])
def test_managers_and_admins_agree_on_owner_tier_and_rhythm(as_, staff, who):
    pandadoc()
    assert agreed(as_(who), owner=staff["sam"].pk).status_code == 303
    found = Connection.objects.get()
    assert (found.owner, found.tier, found.expected_every) == (staff["sam"], "hours", 30)
    # What is an admin's to say stays.
    assert (found.base_url, found.allow_loopback) == ("http://127.0.0.1:9", True)
    line = TrailLine.objects.get(what="connection.changed")
    assert (line.before["tier"], line.after["tier"]) == ("minutes", "hours")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("owner", "99999"), ("owner", "x"), ("owner", "\0"), ("owner", "9" * 60),
        ("tier", "soon"), ("tier", "\0"), ("expected_every", "0"), ("expected_every", "-5"),
        ("expected_every", "9" * 30), ("expected_every", "often"), ("expected_every", "525601"),
    ],
)  # fmt: skip
def test_what_cannot_be_agreed_is_refused_at_its_field_and_stays_typed(as_, field, value):
    pandadoc()
    answer = agreed(as_("rosa"), **{field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert answer.context["form"][field].value() == value
    assert Connection.objects.get().tier == "minutes"


@pytest.mark.parametrize("version", ["", "7", "x", "-1"])
def test_what_was_not_seen_is_not_overwritten(as_, version):
    pandadoc()
    answer = agreed(as_("rosa"), version=version)
    assert answer.status_code in (409, 422)
    assert Connection.objects.get().tier == "minutes"


def test_two_who_agree_at_once_are_told(as_, staff):
    pandadoc()
    rosa = as_("rosa")
    form = rosa.get(PANDADOC).context["form"]
    connections.agree(
        slug="pandadoc", owner=staff["ada"], tier="daily", expected_every=None, version=None,
        by=staff["ada"], at=instant.now(),
    )  # fmt: skip
    typed = {"owner": "", "tier": "hours", "version": form["version"].value()}
    answer = rosa.post(PANDADOC, typed)
    assert answer.status_code == 409
    assert "Owner: Ada Stone" in words(answer)
    assert Connection.objects.get().tier == "daily"
    again = {**typed, "version": answer.context["form"]["version"].value()}
    assert rosa.post(PANDADOC, again).status_code == 303
    assert Connection.objects.get().tier == "hours"


# --- Who has left ----------------------------------------------------------------------------
def test_somebody_who_left_is_not_named_for_a_connection_or_a_team_again(staff):
    pandadoc(owner=staff["remy"])
    User.objects.filter(pk=staff["remy"].pk).update(is_active=False)
    left = User.objects.get(pk=staff["remy"].pk)
    at = instant.now()
    with pytest.raises(SettingError) as caught:
        connections.create(Settings("x", "X", "hubspot", owner=left), by=SETUP, at=at)
    assert caught.value.field == "owner"
    connected("hubspot")
    with pytest.raises(SettingError):
        connections.agree(
            slug="hubspot", owner=left, tier="minutes", expected_every=None, version=None,
            by=staff["rosa"], at=at,
        )  # fmt: skip
    with pytest.raises(TeamError) as refused:
        teams.change(slug="sales", name="Sales", lead=left, by=SETUP, at=at)
    assert refused.value.field == "lead"
    with pytest.raises(TeamError):
        teams.add(slug="new", name="New", lead=left, by=SETUP, at=at)


def test_who_holds_it_already_stays_until_somebody_else_is_named(as_, staff):
    pandadoc(owner=staff["remy"])
    Team.objects.filter(slug="sales").update(lead=staff["remy"])
    User.objects.filter(pk=staff["remy"].pk).update(is_active=False)
    assert agreed(as_("rosa"), owner=staff["remy"].pk).status_code == 303
    found = Connection.objects.get()
    assert (found.owner, found.tier) == (staff["remy"], "hours")
    changed = as_("ada").get("/connections/pandadoc/change/").context["form"]
    assert changed["owner"].value() == staff["remy"].pk
    assert "Remy Park" in str(changed["owner"])
    lead = User.objects.get(pk=staff["remy"].pk)
    teams.change(slug="sales", name="Selling", lead=lead, by=SETUP, at=instant.now())


# --- What makes a proposal invoiced ----------------------------------------------------------
BILLING = f"{SYSTEMS}parts/billing/"


@pytest.mark.parametrize("then", ["stripe-eu", ""])
def test_nobody_changes_alone_what_makes_a_proposal_invoiced(as_, staff, then):
    parts.play(part="billing", slug=connected("stripe").slug, by=SETUP, at=instant.now())
    connected("stripe", slug="stripe-eu")
    rosa = as_("rosa")
    page = rosa.get(BILLING)
    assert "a second person publishes it" in words(page)
    answer = rosa.post(BILLING, {"seen": hidden(page, "seen"), "connection": then})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["connection"]
    assert roles.connection_for("billing") == "stripe"


def test_who_plays_billing_is_free_once_two_agreed_whose_word_it_is(as_, staff):
    connected("stripe")
    connected("stripe", slug="stripe-eu")
    whose_word.publish(
        name="billing", agreed=Truth(How.ALWAYS, "stripe-eu"), by=SETUP, at=instant.now()
    )
    rosa = as_("rosa")
    page = rosa.get(BILLING)
    assert "a second person publishes it" not in words(page)
    answer = rosa.post(BILLING, {"seen": hidden(page, "seen"), "connection": "stripe-eu"})
    assert (answer.status_code, roles.connection_for("billing")) == (303, "stripe-eu")


def test_while_the_part_of_billing_changes_no_proposal_is_told(staff):
    """As whoever agrees on it: asked for before any row is locked."""
    connected("stripe")
    with CaptureQueriesContext(connection) as asked:
        parts.play(part="billing", slug="stripe", by=SETUP, at=instant.now())
    assert "pg_advisory_xact_lock(" in first_lock(asked)


def first_lock(asked):
    locks = [one["sql"] for one in asked if "FOR UPDATE" in one["sql"] or "advisory" in one["sql"]]
    return locks[0]
