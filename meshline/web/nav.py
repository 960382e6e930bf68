"""The way around: entries as data, and what every page shows of the person's place in it."""

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from meshline.notices.models import Notice
from meshline.people.permissions import Permission, may, refusal_to_approvals
from meshline.web import banner, errors


@dataclass(frozen=True)
class Entry:
    """A line of the navigation: shown to who has the permission, once its page exists."""

    label: str
    url_name: str
    icon: str
    permission: Permission | None
    section: str
    # The letter that leads there after g.
    key: str
    # A part that says how much there is to do, fetched by itself.
    count_url_name: str = ""
    # Open as well to who has the approver's right, whatever their role.
    is_for_approvers: bool = False


WORK, MODEL, RECORDS = "Work", "Model", "Records"
_SEE_MODEL = Permission.SEE_OPERATING_MODEL
ENTRIES = [
    Entry("Home", "home", "home", None, WORK, "h"),
    Entry("Queue", "exceptions:queue", "inbox", Permission.SEE_QUEUE, WORK, "q"),
    Entry("Numbers", "exceptions:numbers", "chart-bar", Permission.SEE_QUEUE, WORK, "n"),
    Entry(
        "Dashboards", "reconciliation:dashboards", "gauge", Permission.SEE_DASHBOARDS, WORK, "v"
    ),
    Entry("Proposals", "proposals:list", "file-text", Permission.SEE_PROPOSALS, WORK, "p"),
    Entry(
        "Follow-ups", "proposals:follow-ups", "calendar-event", Permission.SEE_PROPOSALS, WORK, "f"
    ),
    Entry(
        "Approvals", "proposals:approvals", "checklist", Permission.APPROVE_GATES, WORK, "a",
        "proposals:approvals-count", is_for_approvers=True,
    ),
    Entry("Outcomes", "connectors:outcomes", "send", Permission.SEE_CONNECTIONS, WORK, "o"),
    Entry("Messages", "connectors:messages", "mail", Permission.SEE_PAYLOADS, WORK, "m"),
    Entry("Connections", "connectors:connections", "plug", Permission.SEE_CONNECTIONS, MODEL, "c"),
    Entry("Operating model", "operating-model", "sitemap", _SEE_MODEL, MODEL, "b"),
    Entry("Rota", "rota:rota", "headset", _SEE_MODEL, MODEL, "r"),
    Entry("Contracts", "proposals:contracts", "versions", _SEE_MODEL, MODEL, "k"),
    Entry("Routing rules", "proposals:routing", "route", _SEE_MODEL, MODEL, "u"),
    Entry("People", "people:people", "users", Permission.SEE_PEOPLE, MODEL, "e"),
    Entry(
        "Reconciliation", "reconciliation:runs", "git-compare", Permission.SEE_RUNS, RECORDS, "y"
    ),
    Entry(
        "Signed, not invoiced", "reconciliation:signed-against-invoiced", "scale",
        Permission.SEE_CHECKS, RECORDS, "i",
    ),
    Entry("Checks", "reconciliation:checks", "list-check", Permission.SEE_CHECKS, RECORDS, "x"),
    Entry("Canaries", "reconciliation:canaries", "activity", Permission.SEE_CHECKS, RECORDS, "w"),
    Entry("Monday", "reconciliation:monday", "checklist", Permission.SEE_CHECKS, RECORDS, "j"),
    Entry("Trail", "audit:trail", "history", Permission.SEE_TRAIL, RECORDS, "t"),
    Entry("Operations", "operations", "heartbeat", Permission.SEE_OPERATIONS, RECORDS, "s"),
    Entry("All tables", "admin:index", "table", Permission.SEE_TABLES, RECORDS, "l"),
    Entry("Demo", "demo", "flask", Permission.PLAY_DEMO, RECORDS, "d"),
]  # fmt: skip


@dataclass(frozen=True)
class Link:
    """An entry as this person sees it on this page."""

    label: str
    url: str
    icon: str
    section: str
    is_current: bool
    key: str
    count_url: str = ""


class Shared:
    """What the shell of a page asks for; each part is looked up once, and only when shown."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = getattr(request, "user", None)

    @property
    def home_url(self) -> str:
        return errors.home_url()

    @cached_property
    def sections(self) -> list[tuple[str, list[Link]]]:
        return [(name, list(group)) for name, group in groupby(self._links, lambda it: it.section)]

    @property
    def links(self) -> list[Link]:
        return self._links

    @cached_property
    def unread(self) -> int:
        return Notice.objects.unread().filter(user=self.user).count()

    @property
    def banner(self) -> list[banner.Down]:
        return banner.last_seen()

    @property
    def operations_url(self) -> str:
        """Where more is to be read about Meshline itself; empty for who may not."""
        return _url("operations") if may(self.user, Permission.SEE_OPERATIONS) else ""

    @cached_property
    def _links(self) -> list[Link]:
        found = [(entry, url) for entry in _entries_for(self.user) if (url := _url(entry.url_name))]
        current = _current([url for _, url in found], self.request.path)
        return [_link(entry, url, is_current=url == current) for entry, url in found]


def shared(request: HttpRequest) -> dict[str, Any]:
    """The context processor behind every page's shell."""
    return {"shared": Shared(request)}


def _link(entry: Entry, url: str, *, is_current: bool) -> Link:
    count_url = _url(entry.count_url_name) if entry.count_url_name else ""
    return Link(entry.label, url, entry.icon, entry.section, is_current, entry.key, count_url)


def _entries_for(user: Any) -> list[Entry]:
    return [entry for entry in ENTRIES if _is_offered(entry) and _is_open_to(entry, user)]


def _is_offered(entry: Entry) -> bool:
    return entry.url_name != "demo" or bool(settings.SANDBOX_URL)


def _is_open_to(entry: Entry, user: Any) -> bool:
    if entry.is_for_approvers:
        return not refusal_to_approvals(user)
    return entry.permission is None or may(user, entry.permission)


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _current(urls: list[str], path: str) -> str:
    """The entry whose pages this one is among: the longest that the path begins with."""
    around = [url for url in urls if path == url or (url != "/" and path.startswith(url))]
    return max(around, key=len, default="")
