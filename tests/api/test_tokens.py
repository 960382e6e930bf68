"""Tokens: whose they are, how they end, and how often they may ask."""

import hashlib
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people import people, tokens
from meshline.people.models import ApiToken, ApiUse
from meshline.people.permissions import NotAllowed, Role
from meshline.people.tokens import TokenError
from tests.api.conftest import Script, script_of

pytestmark = pytest.mark.django_db


def why_not(script):
    answer = script.get("tickets")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["field"] is None
    return answer.json()["error"]


def test_without_a_token_nobody_is_known(staff, stranger):
    assert "Authorization: Bearer" in why_not(stranger)
    for header in ("Bearer", "Bearer ", "Basic b2xpdmlhOng=", "mesh_x", "bearer\tx", "Token x"):
        answer = Client().get("/api/v1/tickets", headers={"Authorization": header})
        assert answer.status_code == 401, header
    assert why_not(Script("mesh_00000000_wrong")) == "This token is not known here."
    assert why_not(Script("\u00fc" * 30)) == "This token is not known here."


def test_a_session_opens_nothing_here(staff):
    client = Client()
    client.force_login(staff["rosa"])
    assert client.get("/api/v1/tickets").status_code == 401
    assert client.post("/api/v1/tickets/1/claim").status_code == 401


def test_only_a_hash_is_kept(olivia):
    made = tokens.make(user_id=olivia.pk, name="export", by=olivia, at=instant.now())
    row = ApiToken.objects.get()
    assert bytes(row.token_hash) == hashlib.sha256(made.token.encode()).digest()
    assert made.token.startswith(row.prefix + "_")
    kept = [str(value) for value in ApiToken.objects.values_list().get()]
    secret = made.token.removeprefix(row.prefix + "_")
    assert len(secret) >= 40
    assert not any(secret in value for value in kept)
    assert not any(
        secret in str(line) for line in TrailLine.objects.values_list("before", "after", "why")
    )


def test_a_token_is_over_when_it_says(olivia):
    now = instant.now()
    made = tokens.make(user_id=olivia.pk, name="export", by=olivia, at=now, days=7)
    script = Script(made.token)
    with instant.stopped(now + timedelta(days=7) - timedelta(seconds=1)):
        assert script.get("tickets").status_code == 200
    with instant.stopped(now + timedelta(days=7)):
        assert why_not(script).startswith("This token expired at ")


def test_it_lasts_ninety_days_unless_told(olivia):
    now = instant.now()
    made = tokens.make(user_id=olivia.pk, name="export", by=olivia, at=now)
    assert made.row.expires_at == now + timedelta(days=90)


def test_a_revoked_token_says_so_and_twice_is_once(script, olivia):
    row = ApiToken.objects.get(user=olivia)
    for _ in range(2):
        tokens.revoke(token_id=row.pk, by=olivia, at=instant.now())
    assert why_not(script) == "This token was revoked."
    assert TrailLine.objects.filter(what="token.revoked").count() == 1


def test_whoever_is_deactivated_has_no_token_any_more(scripts, staff):
    remy = staff["remy"]
    assert scripts["remy"].get("proposals").status_code == 200
    people.change(
        user_id=remy.pk, by=staff["ada"], at=instant.now(), name=remy.name, role=remy.role,
        team=remy.team, zone=remy.zone, is_active=False,
    )  # fmt: skip
    assert "not active any more" in why_not(scripts["remy"])


def test_a_token_has_its_persons_rights_of_this_moment(scripts, staff):
    olivia = staff["olivia"]
    assert scripts["olivia"].get("messages").status_code == 200
    people.change(
        user_id=olivia.pk, by=staff["ada"], at=instant.now(), name=olivia.name, role=Role.REP,
        team=olivia.team, zone=olivia.zone, is_active=True,
    )  # fmt: skip
    assert scripts["olivia"].get("messages").status_code == 403


def test_its_use_is_written_down_once_a_minute(script, django_assert_num_queries):
    now = instant.now()
    with instant.stopped(now):
        script.get("tickets")
    assert ApiToken.objects.get(user__name="Olivia Ortiz").last_used_at == now
    with instant.stopped(now + timedelta(seconds=59)):
        script.get("tickets")
    assert ApiToken.objects.get(user__name="Olivia Ortiz").last_used_at == now
    with instant.stopped(now + timedelta(seconds=60)):
        script.get("tickets")
    again = ApiToken.objects.get(user__name="Olivia Ortiz").last_used_at
    assert again == now + timedelta(seconds=60)


def test_a_token_may_ask_so_often_in_a_minute_and_others_all_the_same(scripts, settings):
    settings.API_PER_MINUTE = 3
    minute = instant.now().replace(second=20, microsecond=0)
    with instant.stopped(minute):
        assert [scripts["olivia"].get("tickets").status_code for _ in range(4)] == [200] * 3 + [429]
        late = scripts["olivia"].get("tickets")
        assert late.headers["Retry-After"] == "40"
        assert late.json() == {
            "error": "This token may ask 3 times a minute; wait 40 s.", "field": None,
        }  # fmt: skip
        assert scripts["rosa"].get("tickets").status_code == 200
    with instant.stopped(minute + timedelta(seconds=40)):
        assert scripts["olivia"].get("tickets").status_code == 200
    assert ApiUse.objects.get(token__user__name="Olivia Ortiz").uses == 1


def test_one_makes_tokens_for_oneself_alone(staff):
    with pytest.raises(NotAllowed):
        tokens.make(user_id=staff["olivia"].pk, name="x", by=staff["ada"], at=instant.now())
    for wrong, field in (({"days": 0}, "days"), ({"days": 366}, "days"), ({"name": " \0"}, "name")):
        with pytest.raises(TokenError) as refused:
            tokens.make(
                **{"user_id": staff["ada"].pk, "name": "x", "by": staff["ada"],
                   "at": instant.now(), **wrong}
            )  # fmt: skip
        assert refused.value.field == field


# --- The command -----------------------------------------------------------------------------
def test_the_command_prints_it_alone_on_the_last_line(olivia):
    out = StringIO()
    call_command("api_token", "OLIVIA@example.com", name="nightly", days=5, stdout=out)
    token = out.getvalue().rstrip("\n").rsplit("\n", 1)[1]
    assert Script(token).get("tickets").status_code == 200
    row = ApiToken.objects.get()
    assert (row.name, (row.expires_at - row.created_at).days) == ("nightly", 5)
    line = TrailLine.objects.get(what="token.made")
    assert (line.actor_id, line.subject_id) == ("setup", str(olivia.pk))


@pytest.mark.parametrize(
    ("email", "more"),
    [("nobody@example.com", {}), ("olivia@example.com", {"days": 0}), ("gone@example.com", {})],
)
def test_the_command_says_why_not(staff, email, more):
    staff["remy"].__class__.objects.filter(pk=staff["remy"].pk).update(
        email="gone@example.com", is_active=False
    )
    with pytest.raises(CommandError):
        call_command("api_token", email, stdout=StringIO(), **more)


# --- The pages -------------------------------------------------------------------------------
def test_one_makes_and_revokes_ones_own_on_the_profile(olivia, client):
    client.force_login(olivia)
    assert "No tokens." in client.get("/profile/").text
    shown = client.post("/profile/tokens/", {"name": "Nightly export", "days": "30"})
    row = ApiToken.objects.get()
    assert shown.status_code == 200
    token = re.search(rf"{row.prefix}_[\w-]+", shown.text)[0]
    assert Script(token).get("tickets").status_code == 200
    listed = client.get("/profile/").text
    assert "Nightly export" in listed
    assert row.prefix in listed
    assert token not in listed
    assert client.post(f"/profile/tokens/{row.pk}/revoke/").status_code == 303
    assert why_not(Script(token)) == "This token was revoked."


def test_a_form_that_is_not_right_makes_nothing(olivia, client):
    client.force_login(olivia)
    for sent in ({"name": "", "days": "90"}, {"name": "x", "days": "400"}, {"name": "x"}):
        answer = client.post("/profile/tokens/", sent)
        assert answer.status_code == 422
        assert "API tokens" in answer.text
    assert not ApiToken.objects.exists()


def test_nobody_revokes_anothers_on_the_profile(staff, client):
    script_of(staff["olivia"])
    client.force_login(staff["ada"])
    row = ApiToken.objects.get()
    assert client.post(f"/profile/tokens/{row.pk}/revoke/").status_code == 404


def test_an_admin_sees_and_revokes_a_persons_tokens(staff, client):
    script = script_of(staff["olivia"])
    row = ApiToken.objects.get()
    client.force_login(staff["rosa"])
    assert row.prefix not in client.get(f"/people/{staff['olivia'].pk}/").text
    address = f"/people/{staff['olivia'].pk}/tokens/{row.pk}/revoke/"
    assert client.post(address).status_code == 403
    client.force_login(staff["ada"])
    assert row.prefix in client.get(f"/people/{staff['olivia'].pk}/").text
    assert client.post(f"/people/{staff['remy'].pk}/tokens/{row.pk}/revoke/").status_code == 404
    assert client.post(address).status_code == 303
    assert why_not(script) == "This token was revoked."
    assert TrailLine.objects.get(what="token.revoked").actor_id == str(staff["ada"].pk)
