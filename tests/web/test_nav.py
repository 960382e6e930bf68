"""The navigation shows what a person may see and what exists."""

from types import SimpleNamespace

import pytest

from meshline import instant
from meshline.notices import notices
from meshline.people.permissions import Permission
from meshline.web import banner, nav


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


def test_a_part_that_is_down_is_said_on_every_page(client, ana, monkeypatch):
    monkeypatch.setattr(banner, "_look", lambda: ["The clock last beat 90 s ago."])
    monkeypatch.setattr(banner, "_looked_at", float("-inf"))
    monkeypatch.setattr(banner, "_seen", [])
    client.force_login(ana)
    assert "The clock last beat" in client.get("/banner/").text
    assert "The clock last beat" in client.get("/profile/").text


def test_the_parts_are_looked_at_once_in_a_while_only(monkeypatch):
    looks = []
    monkeypatch.setattr(banner, "_look", lambda: looks.append(1) or [])
    monkeypatch.setattr(banner, "_looked_at", float("-inf"))
    monkeypatch.setattr(banner, "_seen", [])
    for _ in range(10):
        banner.sentences()
    assert looks == [1]


def test_without_redis_nothing_is_said_of_the_workers(monkeypatch):
    monkeypatch.setattr(banner.vitals, "redis", lambda: "Redis does not answer.")
    monkeypatch.setattr(banner.vitals, "clock", lambda: banner.vitals.OK)
    assert banner._look() == ["Redis does not answer."]
