"""The navigation shows what a person may see and what exists."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings

from meshline import instant
from meshline.notices import notices
from meshline.people.permissions import Permission
from meshline.pulse.models import Heartbeat
from meshline.web import banner, nav
from tests.factories import MONDAY


def labels(user, path="/"):
    shared = nav.Shared(SimpleNamespace(user=user, path=path))
    return [link.label for _, links in shared.sections for link in links]


def test_a_person_sees_what_their_role_may_see(ana, mara):
    assert "People" not in labels(ana)
    assert "People" in labels(mara)


def test_a_page_that_does_not_exist_yet_is_left_out(mara):
    assert "Queue" not in labels(mara)


def test_the_demo_is_offered_only_where_there_is_one(ana, settings):
    demo = next(entry for entry in nav.ENTRIES if entry.url_name == "demo")
    settings.SANDBOX_URL = ""
    assert not nav._is_offered(demo)
    settings.SANDBOX_URL = "http://127.0.0.1:9000"
    assert nav._is_offered(demo)


@pytest.mark.parametrize(
    ("path", "current"),
    [("/", "Home"), ("/people/", "People"), ("/people/17/", "People"), ("/profile/", None)],
)
def test_the_place_one_is_at_is_marked(mara, path, current):
    shared = nav.Shared(SimpleNamespace(user=mara, path=path))
    marked = [link.label for _, links in shared.sections for link in links if link.is_current]
    assert marked == ([current] if current else [])


def test_every_entry_asks_for_a_permission_that_exists():
    for entry in nav.ENTRIES:
        assert entry.permission is None or entry.permission in Permission


def test_the_bell_counts_what_was_not_read(client, ana, mara):
    client.force_login(ana)
    for number in range(3):
        notices.tell(ana, "Look", key=f"ana-{number}", at=instant.now())
    notices.tell(mara, "Look", key="mara", at=instant.now())
    assert "Notices, 3 unread" in client.get("/profile/").text
    client.post("/notices/read/")
    assert "unread" not in client.get("/profile/").text


CLOCK_DOWN = banner.Down("clock", "The clock last beat 90 s ago.", "Retries wait.", MONDAY)


@pytest.fixture
def fresh_look(monkeypatch):
    monkeypatch.setattr(banner, "_looked_at", float("-inf"))
    monkeypatch.setattr(banner, "_seen", [])
    monkeypatch.setattr(banner, "_missed", {})


def test_a_part_that_is_down_is_said_on_every_page(client, ana, monkeypatch, fresh_look):
    monkeypatch.setattr(banner, "_look", lambda: [CLOCK_DOWN])
    client.force_login(ana)
    for page in ("/banner/", "/profile/"):
        said = client.get(page).text
        assert "The clock last beat 90 s ago. Retries wait." in said
        assert MONDAY.isoformat() in said
        assert "New events are still accepted, and nothing is lost." in said


def test_the_parts_are_looked_at_once_in_a_while_only(monkeypatch, fresh_look):
    looks = []
    monkeypatch.setattr(banner, "_look", lambda: looks.append(1) or [])
    for _ in range(10):
        banner.sentences()
    assert looks == [1]


def test_without_redis_nothing_is_said_of_the_workers(monkeypatch, fresh_look):
    monkeypatch.setattr(banner.vitals, "redis", lambda: "Redis does not answer.")
    monkeypatch.setattr(banner.vitals, "clock", lambda: banner.vitals.OK)
    [down] = banner._look()
    assert (down.part, down.sentence) == ("redis", "Redis does not answer.")
    assert down.means == "Nobody is woken: what came in is kept and waits."


def test_since_when_is_remembered_until_it_is_back(monkeypatch, fresh_look):
    said = {"workers": "No worker.", "redis": banner.vitals.OK, "clock": banner.vitals.OK}
    for part in said:
        monkeypatch.setattr(banner.vitals, part, lambda part=part: said[part])
    heard = [MONDAY]
    monkeypatch.setattr(banner.vitals, "workers_seen", lambda: [banner.vitals.Seen("w", heard[-1])])
    assert banner._look()[0].since == MONDAY
    heard.append(MONDAY + timedelta(hours=1))
    assert banner._look()[0].since == MONDAY
    said["workers"] = banner.vitals.OK
    assert banner._look() == []
    said["workers"] = "No worker."
    assert banner._look()[0].since == MONDAY + timedelta(hours=1)


def test_workers_are_missed_since_their_last_word(monkeypatch, fresh_look):
    heard_at = MONDAY - timedelta(minutes=3)
    monkeypatch.setattr(banner.vitals, "workers_seen", lambda: [banner.vitals.Seen("w", heard_at)])
    for part, said in (("redis", "ok"), ("clock", "ok"), ("workers", "No worker.")):
        monkeypatch.setattr(banner.vitals, part, lambda said=said: said)
    assert banner._look()[0].since == heard_at


def test_a_clock_says_itself_since_when(db, fresh_look, monkeypatch):
    monkeypatch.setattr(banner.vitals, "redis", lambda: banner.vitals.OK)
    monkeypatch.setattr(banner.vitals, "workers", lambda: banner.vitals.OK)
    beat_at = instant.now() - timedelta(minutes=10)
    Heartbeat.objects.create(name="clock", beat_at=beat_at)
    [down] = banner._look()
    assert abs(down.since - beat_at) < timedelta(seconds=30)


def test_an_open_page_hears_of_it_within_a_minute():
    """From the last sign of life: until it counts as silent, a process looks, a page asks."""
    asks_every = int(re.search(r"load, every (\d+)s", base_template()).group(1))
    silent = max(banner.vitals.WORKER_STALE_AFTER, banner.vitals.CLOCK_STALE_AFTER)
    assert silent.total_seconds() + banner._LOOK_EVERY_SECONDS + asks_every < 60


def base_template():
    return (settings.BASE_DIR / "templates" / "base.html").read_text()
