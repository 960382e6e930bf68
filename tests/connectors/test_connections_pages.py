"""Connections on screen: how each stands, entering settings and secrets, stopping and trying it."""

import re
from datetime import timedelta

import pytest

from connectors import connections, delivery, registry
from connectors.base import Trouble
from connectors.connections import SettingError, Settings
from connectors.models import (
    Connection,
    DeliveryAttempt,
    Message,
    RejectedReceipt,
    Secret,
    SyncCursor,
)
from meshline import instant, vault
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from proposals.models import Outcome
from tests import factories
from tests.factories import SHARED_KEY, digest_all, document, post_pandadoc
from tests.reading import words, words_of

pytestmark = pytest.mark.django_db

TYPED = {
    "name": "PandaDoc Europe", "slug": "pandadoc-eu", "system": "pandadoc", "tier": "minutes",
    "base_url": "", "expected_every": "60", "owner": "",
}  # fmt: skip


@pytest.fixture
def ada(as_):
    return as_("ada")


def row(answer, slug):
    pk = Connection.objects.get(slug=slug).pk
    found = re.search(rf'<tr id="connection-{pk}".*?</tr>', answer.content.decode(), re.DOTALL)
    return words_of(found[0])


# --- The list ------------------------------------------------------------------------------------
def test_before_anything_is_connected_an_admin_is_shown_the_way(ada, as_):
    assert 'href="/connections/new/"' in ada.get("/connections/").content.decode()
    said = words(as_("vera").get("/connections/"))
    assert "Nothing is connected yet" in said
    assert "An admin connects the quoting tool first" in said


def test_the_list_says_how_each_stands(as_, staff):
    factories.pandadoc(owner=staff["olivia"], expected_every=60, tier="seconds")
    post_pandadoc([document(), document(id="b")])
    post_pandadoc([document()], secret="wrong")
    digest_all()
    answer = as_("olivia").get("/connections/")
    said = row(answer, "pandadoc")
    assert "PandaDoc PandaDoc · pandadoc Active" in said
    assert "expected every 1 h 2 1 0 Seconds" in said
    assert "Olivia Ortiz" in said
    assert "Silent" not in said


def test_where_no_rhythm_is_agreed_it_says_so_with_the_way_and_what_is_left_of_a_quota(
    as_, pandadoc
):  # fmt: skip
    post_pandadoc([document()])
    post_pandadoc([document(id="b")])
    oldest = Message.objects.order_by("pk").first()
    Message.objects.filter(pk=oldest.pk).update(
        received_at=Message.objects.latest("pk").received_at - timedelta(minutes=12)
    )
    SyncCursor.objects.create(
        connection=pandadoc, kind="documents", at=instant.now(), next_at=instant.now(),
        quota="92 of 100 calls left in 10 s",
    )  # fmt: skip
    said = row(as_("olivia").get("/connections/"), "pandadoc")
    assert "no rhythm agreed, lately every 12 m" in said
    assert "Quota: 92 of 100 calls left in 10 s" in said
    assert "Agree on one" not in said
    assert "Agree on one" in row(as_("ada").get("/connections/"), "pandadoc")


def test_silence_longer_than_usual_is_marked(as_, pandadoc):
    Connection.objects.update(expected_every=60)
    post_pandadoc([document()])
    Message.objects.update(received_at=instant.now() - timedelta(hours=3))
    said = row(as_("olivia").get("/connections/"), "pandadoc")
    assert "3 h ago" in said
    assert "Silent" in said
    assert "expected every 1 h" in said


def test_who_never_sent_anything_is_silent_after_its_first_hour(as_, pandadoc):
    now = instant.now()
    Connection.objects.update(expected_every=60, created_at=now - timedelta(minutes=30))
    assert "Silent" not in row(as_("olivia").get("/connections/"), "pandadoc")
    Connection.objects.update(created_at=now - timedelta(minutes=90))
    assert "never Silent" in row(as_("olivia").get("/connections/"), "pandadoc")


def test_paused_says_why_and_an_open_breaker_is_seen(as_, staff, pandadoc):
    now = instant.now()
    connections.set_status(
        slug="pandadoc", status="paused", reason="They move house.", by=SETUP, at=now
    )
    Connection.objects.update(breaker="open")
    said = row(as_("vera").get("/connections/"), "pandadoc")
    assert "Paused Not answering They move house." in said


def test_what_was_refused_long_ago_is_not_counted(as_, pandadoc):
    RejectedReceipt.objects.create(
        connection=pandadoc, status_code=401, reason="x", body=b"",
        at=instant.now() - timedelta(days=8),
    )  # fmt: skip
    post_pandadoc([document()], secret="wrong")
    answer = as_("olivia").get("/connections/")
    assert '<a href="/messages/refused/?connection=pandadoc">1</a>' in answer.content.decode()


def test_the_list_costs_the_same_however_many_there_are(as_, staff, django_assert_max_num_queries):
    for number in range(12):
        factories.pandadoc(f"pandadoc-{number}", owner=staff["olivia"])
    client = as_("olivia")
    client.get("/connections/")
    with django_assert_max_num_queries(10):
        client.get("/connections/")


def test_a_rep_is_told_why_not(as_):
    answer = as_("remy").get("/connections/")
    assert answer.status_code == 403
    assert "may not see connections" in words(answer)


# --- Adding one ----------------------------------------------------------------------------------
def test_an_admin_connects_a_system_with_its_secrets(ada, staff):
    typed = {**TYPED, "owner": staff["olivia"].pk, "signing": "sign-1", "credential": "key-1"}
    answer = ada.post("/connections/new/", typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/connections/pandadoc-eu/")
    made = Connection.objects.get()
    assert (made.name, made.expected_every, made.owner) == ("PandaDoc Europe", 60, staff["olivia"])
    kept = {one.purpose: vault.unseal(one.sealed) for one in Secret.objects.all()}
    assert kept == {"signing": "sign-1", "credential": "key-1"}
    said = [line.what for line in TrailLine.objects.filter(subject_kind="connection")]
    assert said.count("connection.secret-entered") == 2


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"slug": "Panda Doc"}, "slug", "Use 1 to 60 small letters, digits and hyphens"),
        ({"slug": "meshline"}, "slug", "meshline and people are taken"),
        ({"slug": ""}, "slug", "This field is required"),
        ({"name": ""}, "name", "This field is required"),
        ({"system": "fax"}, "system", "Select a valid choice"),
        ({"tier": "soon"}, "tier", "Select a valid choice"),
        ({"expected_every": "0"}, "expected_every", "greater than or equal to 1"),
        ({"base_url": "http://127.0.0.1:9"}, "base_url", ""),
        ({"base_url": "ftp://example.com"}, "base_url", ""),
        ({"base_url": "https://user:pass@example.com"}, "base_url", ""),
        ({"signing": "x" * 1001}, "signing", "at most 1000 characters"),
        ({"signing": "two\nlines"}, "signing", "one line of at most 1,000 printable characters"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(ada, typed, field, said):
    answer = ada.post("/connections/new/", {**TYPED, **typed})
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) == {field}
    assert said in " ".join(errors[field])
    assert 'value="pandadoc-eu"' in answer.content.decode() or field == "slug"
    assert Connection.objects.count() == Secret.objects.count() == 0


def test_a_short_name_that_is_taken_is_said_at_its_field(ada, pandadoc):
    answer = ada.post("/connections/new/", {**TYPED, "slug": "pandadoc"})
    assert answer.context["form"].errors["slug"] == ["There is already a connection pandadoc."]


def test_a_secret_that_cannot_be_leaves_no_connection_behind(ada, monkeypatch):
    def no(**facts):
        raise SettingError("No.", "credential")

    monkeypatch.setattr(connections, "enter_secret", no)
    answer = ada.post("/connections/new/", {**TYPED, "credential": "k"})
    assert answer.status_code == 422
    assert "No." in answer.context["form"].errors["credential"]
    assert Connection.objects.count() == 0


def test_a_typed_secret_is_never_written_back_and_the_page_says_so(ada):
    answer = ada.post("/connections/new/", {**TYPED, "slug": "!", "signing": "whsec_typed"})
    page = answer.content.decode()
    assert "whsec_typed" not in page
    assert "Enter it again: a secret is never written into a page." in page


def test_loopback_is_allowed_only_when_asked_for(ada):
    there = {**TYPED, "base_url": "http://127.0.0.1:9"}
    assert ada.post("/connections/new/", there).status_code == 422
    assert ada.post("/connections/new/", {**there, "allow_loopback": "on"}).status_code == 303
    assert Connection.objects.get().allow_loopback


# --- Changing one --------------------------------------------------------------------------------
def as_it_is(pandadoc, **changes):
    return {
        "name": pandadoc.name, "base_url": pandadoc.base_url, "tier": pandadoc.tier, "owner": "",
        "expected_every": "", "allow_loopback": "on", "version": pandadoc.version, **changes,
    }  # fmt: skip


def test_settings_are_changed_and_short_name_and_system_stay(ada, pandadoc):
    typed = as_it_is(pandadoc, name="Panda", slug="other", system="hubspot")
    answer = ada.post("/connections/pandadoc/change/", typed)
    assert answer.status_code == 303
    changed = Connection.objects.get()
    assert (changed.name, changed.slug, changed.system) == ("Panda", "pandadoc", "pandadoc")
    line = TrailLine.objects.get(what="connection.changed")
    assert (line.before["name"], line.after["name"]) == ("PandaDoc", "Panda")


def test_secrets_left_empty_stay_as_they_are_and_are_not_shown(ada, pandadoc):
    page = ada.get("/connections/pandadoc/change/").content.decode()
    assert "Leave it empty to keep it." in page
    assert SHARED_KEY not in page
    ada.post("/connections/pandadoc/change/", as_it_is(pandadoc, name="Panda"))
    assert [vault.unseal(one.sealed) for one in Secret.objects.all()] == [SHARED_KEY]


def test_a_change_somebody_else_made_meanwhile_is_409_and_nothing_typed_is_lost(ada, pandadoc):
    stale = as_it_is(pandadoc, name="My name", expected_every="45", signing="fresh")
    ada.post("/connections/pandadoc/change/", as_it_is(pandadoc, name="Her name"))
    answer = ada.post("/connections/pandadoc/change/", stale)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert 'value="My name"' in page
    assert 'value="45"' in page
    assert "Name: Her name" in page
    assert "Enter it again" in page
    assert Connection.objects.get().name == "Her name"
    version = answer.context["form"].data["version"]
    again = ada.post("/connections/pandadoc/change/", {**stale, "version": version})
    assert again.status_code == 303
    assert Connection.objects.get().name == "My name"


def test_without_a_version_nothing_is_overwritten(ada, pandadoc):
    typed = as_it_is(pandadoc, name="Mine", version="")
    assert ada.post("/connections/pandadoc/change/", typed).status_code == 409


@pytest.mark.parametrize("who", ["olivia", "rosa", "sam", "vera", "remy"])
def test_only_an_admin_enters_settings_and_secrets(as_, pandadoc, who):
    client = as_(who)
    for address in ("/connections/new/", "/connections/pandadoc/change/"):
        assert client.get(address).status_code == 403
    for act in ("secret", "end-older", "test"):
        assert client.post(f"/connections/pandadoc/{act}/").status_code == 403


# --- One of them ---------------------------------------------------------------------------------
def test_the_page_shows_the_address_secrets_by_age_and_what_to_do(ada, pandadoc, settings):
    settings.PUBLIC_URL = "https://meshline.example.com"
    said = words(ada.get("/connections/pandadoc/"))
    assert "https://meshline.example.com/hooks/pandadoc/" in said
    assert "in use" in said
    assert SHARED_KEY not in said
    assert "metadata" in said
    assert "PandaDoc, the quoting tool" in said


def test_the_page_shows_what_came_what_was_refused_and_what_was_done(as_, staff, pandadoc):
    post_pandadoc([document()])
    post_pandadoc([document()], secret="wrong")
    digest_all()
    page = as_("olivia").get("/connections/pandadoc/").content.decode()
    assert f'href="/messages/{Message.objects.get().pk}/"' in page
    assert "The signature fits none of the connection&#x27;s secrets." in page
    assert "Connection created" in page


def test_a_viewer_sees_how_it_stands_and_no_messages(as_, pandadoc):
    post_pandadoc([document()])
    post_pandadoc([document()], secret="wrong")
    said = words(as_("vera").get("/connections/pandadoc/"))
    assert "Messages are shown to those who may see raw payloads." in said
    assert "document_state_changed" not in said
    assert "fits none" not in said


def test_attempts_are_shown_with_what_they_were_for(as_, staff, pandadoc):
    factories.hubspot()
    post_pandadoc([document()])
    digest_all()
    outcome = Outcome.objects.filter(connection="hubspot").first()
    DeliveryAttempt.objects.create(
        outcome=outcome, connection="hubspot", number=2, at=instant.now(), seconds=0.5,
        succeeded=False, failure="throttled", result="Website relaunch was refused",
    )  # fmt: skip
    said = words(as_("vera").get("/connections/hubspot/"))
    assert "throttled" in said
    assert "Website relaunch" not in said


@pytest.mark.parametrize("slug", list(registry.SYSTEMS))
def test_every_system_has_a_page_with_its_setup_and_a_form_with_its_options(ada, staff, slug):
    system = registry.system(slug)
    connections.create(
        Settings(slug=slug, name=system.name, system=slug), by=SETUP, at=instant.now()
    )
    page, form = ada.get(f"/connections/{slug}/"), ada.get(f"/connections/{slug}/change/")
    assert "Setting it up" in words(page)
    assert ("Webhook address" in words(page)) == (system.emitter is not None)
    assert all(option.label in words(form) for option in system.options)


def test_an_unknown_connection_is_404(ada):
    assert ada.get("/connections/nobody/").status_code == 404
    assert ada.post("/connections/nobody/status/", {"status": "paused"}).status_code == 404


# --- Secrets -------------------------------------------------------------------------------------
def test_a_secret_is_entered_on_the_page_and_the_older_one_is_ended(ada, pandadoc):
    page = "/connections/pandadoc/"
    ada.post(f"{page}secret/", {"purpose": "signing", "secret": " fresh "})
    said = words(ada.get(page))
    assert "Signing secret entered. It is never shown again." in said
    assert "End the older one now" in said
    live = Secret.objects.filter(connection=pandadoc).live(at=instant.now())
    assert vault.unseal(live[0].sealed) == "fresh"
    assert live.count() == 2
    ada.post(f"{page}end-older/")
    assert Secret.objects.filter(connection=pandadoc).live(at=instant.now()).count() == 1
    assert "End the older one now" not in words(ada.get(page))


@pytest.mark.parametrize(
    "typed",
    [{}, {"purpose": "signing"}, {"purpose": "signing", "secret": " "},
     {"purpose": "other", "secret": "x"}, {"purpose": "signing", "secret": "a\nb"}],
)  # fmt: skip
def test_a_secret_that_cannot_be_is_refused_in_words(ada, pandadoc, typed):
    headers = {"HX-Request": "true"}
    answer = ada.post("/connections/pandadoc/secret/", typed, headers=headers)
    assert answer.status_code == 422
    assert "1,000" in words(answer)
    assert Secret.objects.count() == 1


# --- Stopping and going on -----------------------------------------------------------------------
def set_status(client, status, reason=""):
    return client.post("/connections/pandadoc/status/", {"status": status, "reason": reason})


def test_an_operator_pauses_with_a_reason_and_may_not_resume(as_, pandadoc):
    olivia = as_("olivia")
    assert set_status(olivia, "paused", "They move house.").status_code == 303
    paused = Connection.objects.get()
    assert (paused.status, paused.status_why) == ("paused", "They move house.")
    page = words(olivia.get("/connections/pandadoc/"))
    assert "Paused. They move house." in page
    assert "may not resume a connection" in page
    answer = set_status(olivia, "active")
    assert answer.status_code == 403
    assert "may not resume a connection" in words(answer)
    assert set_status(as_("rosa"), "active").status_code == 303
    assert Connection.objects.get().is_active


def test_without_a_reason_nothing_stops(as_, pandadoc):
    answer = as_("rosa").post(
        "/connections/pandadoc/status/", {"status": "paused", "reason": " "},
        headers={"HX-Request": "true"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert "Say why, so that others know." in words(answer)
    assert Connection.objects.get().is_active


def test_only_an_admin_disables(as_, pandadoc):
    assert set_status(as_("rosa"), "disabled", "No.").status_code == 403
    assert set_status(as_("ada"), "disabled", "Contract ended.").status_code == 303
    assert Connection.objects.get().status == "disabled"
    assert "Disabled. Contract ended." in words(as_("vera").get("/connections/pandadoc/"))


@pytest.mark.parametrize("typed", [{}, {"status": "gone"}])
def test_another_status_is_refused(as_, pandadoc, typed):
    answer = as_("rosa").post(
        "/connections/pandadoc/status/", typed, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 422


# --- Test ----------------------------------------------------------------------------------------
class Answers:
    """A client that answers as the test says."""

    def __init__(self, trouble=None):
        self.trouble = trouble

    def whoami(self):
        if self.trouble:
            raise self.trouble
        return "HubSpot answers and accepts the token."


def tried(ada, monkeypatch, trouble=None, **headers):
    deadlines = []

    def client_of(system, there, *, at, deadline):
        deadlines.append(deadline)
        return Answers(trouble)

    monkeypatch.setattr(delivery, "client_of", client_of)
    factories.hubspot()
    answer = ada.post("/connections/hubspot/test/", headers=headers)
    assert deadlines == [5.0]
    return answer


def test_a_test_that_works_says_so(ada, monkeypatch):
    answer = tried(ada, monkeypatch)
    assert answer.status_code == 200
    assert "It works. HubSpot answers and accepts the token." in words(answer)
    assert "What went out lately" in words(answer)


def test_to_htmx_a_test_answers_with_its_part_alone(ada, monkeypatch):
    answer = tried(ada, monkeypatch, **{"HX-Request": "true"})
    assert words(answer) == "It works. HubSpot answers and accepts the token."


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble("It says 401.", failure="credentials", credentials=True, status=401),
         "It refused the credential. It says 401."),
        (Trouble("Nobody answers at x.", failure="unavailable"),
         "It cannot be reached. Nobody answers at x."),
        (Trouble("It says 500.", failure="unavailable", status=500),
         "It answered, but not as it should. It says 500."),
    ],
)  # fmt: skip
def test_a_test_that_fails_says_what_went_wrong(ada, monkeypatch, trouble, said):
    assert said in words(tried(ada, monkeypatch, trouble))


def test_a_test_over_the_wire_to_nobody_is_a_plain_sentence(ada, staff):
    factories.hubspot(base_url="http://127.0.0.1:9")
    said = words(ada.post("/connections/hubspot/test/"))
    assert "It cannot be reached." in said
    assert "Traceback" not in said
    assert "pat-test" not in said


def test_without_a_credential_a_test_says_so(ada, pandadoc):
    said = words(ada.post("/connections/pandadoc/test/"))
    assert "There is no credential. PandaDoc has no credential yet" in said


def test_what_only_sends_cannot_be_tested(ada, staff):
    factories.standard()
    assert "It is push-only: there is nothing to call." in words(ada.get("/connections/generic/"))
    assert "It is push-only" in words(ada.post("/connections/generic/test/"))


def test_a_credential_whose_key_is_gone_is_said_in_words(ada, staff, settings):
    factories.hubspot()
    settings.SECRETS_KEYS = ["MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="]
    said = words(ada.post("/connections/hubspot/test/"))
    assert "The credential cannot be opened." in said
