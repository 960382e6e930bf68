"""The message desk: what was let in, event by event and post by post, beside what was refused."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from connectors import finding, looking
from connectors.filters import DeskFilter, MessageFilter, RefusedFilter
from connectors.finding import MOST, Found
from connectors.models import Connection, Message, Receipt
from meshline.people.permissions import Permission, Scope
from meshline.web import paging
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals.models import Proposal

# What a list shows; a payload may be a megabyte.
_LISTED = ("pk", "received_at", "connection", "type", "key", "status", "why", "duplicates",
           "record", "signal_id", "late", "occurred_at", "connection__slug",
           "connection__name")  # fmt: skip
_VIEWS = {"messages": "Messages", "posts": "Posts", "refused": "Refused"}


@dataclass(frozen=True)
class View:
    """One view of the desk: the rows it may show, and how many there are of them."""

    rows: QuerySet
    count: int
    is_cut: bool

    @property
    def said(self) -> str:
        return f"{MOST:,}+" if self.is_cut else f"{self.count:,}"

    @classmethod
    def of(cls, rows: QuerySet) -> "View":
        counted = rows.order_by()[: MOST + 1].count()
        return cls(rows, min(counted, MOST), counted > MOST)


class Desk:
    """All three views under what is asked for, each as far as this person sees it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.asked = MessageFilter(
            request.GET or None, queryset=looking.visible(request.user), request=request
        )
        self.asked_refused = RefusedFilter(
            request.GET or None, queryset=looking.visible_refused(request.user), request=request
        )
        self.words = self.asked.words
        self.messages, self.posts = self._let_in()
        self.refused = self._refused()

    def view(self, name: str) -> View:
        return getattr(self, name)

    def tabs(self, current: str) -> list[dict[str, Any]]:
        return [
            {
                "label": label,
                "url": self.url(name),
                "count": self.view(name).said,
                "current": name == current,
            }
            for name, label in _VIEWS.items()
        ]

    def url(self, name: str) -> str:
        """A view under the same question, as far as that view understands it."""
        asked: DeskFilter = self.asked_refused if name == "refused" else self.asked
        query = asked.query()
        return reverse(f"connectors:{name}") + (f"?{query}" if query else "")

    def _let_in(self) -> tuple[View, View]:
        if not self.words:
            return View.of(self.asked.qs), View.of(_posts(self.asked))
        found = finding.messages(
            self.asked.qs, self.words, by=self.request.user, ids_only=self.asked.is_masked
        )
        held = Message.objects.filter(pk__in=found.ids).values("receipt")
        posts = Receipt.objects.filter(pk__in=held)
        return _view(Message.objects.all(), found), View(posts, posts.count(), found.is_cut)

    def _refused(self) -> View:
        rows = self.asked_refused.qs
        if not self.words:
            return View.of(rows)
        found = finding.refused(rows, self.words, ids_only=self.asked.is_masked)
        return _view(rows, found)


# --- The views -------------------------------------------------------------------------------
@require_safe
@requires(Permission.SEE_PAYLOADS)
def messages(request: Request) -> HttpResponse:
    desk = Desk(request)
    rows = desk.messages.rows.select_related("connection").only(*_LISTED)
    page = paging.page(rows, request)
    return _show(request, desk, "messages", page, rows=_about(request, page.items))


@require_safe
@requires(Permission.SEE_PAYLOADS)
def posts(request: Request) -> HttpResponse:
    desk = Desk(request)
    rows = desk.posts.rows.select_related("connection").defer("body", "headers")
    page = paging.page(rows, request)
    return _show(request, desk, "posts", page, rows=_cut_from(request, page.items))


@require_safe
@requires(Permission.SEE_PAYLOADS)
def refused(request: Request) -> HttpResponse:
    desk = Desk(request)
    rows = desk.refused.rows.select_related("connection").defer("body", "headers")
    return _show(request, desk, "refused", paging.page(rows, request))


# --- Underneath ------------------------------------------------------------------------------
def _show(request: Request, desk: Desk, name: str, page: paging.Page, **more: Any) -> HttpResponse:
    asked = desk.asked_refused if name == "refused" else desk.asked
    context = {
        "view": name,
        "filter": asked,
        "sought": " ".join(one.beginning for one in desk.words),
        "page": page,
        "tabs": desk.tabs(name),
        "elsewhere": _elsewhere(desk, name) if desk.words and not page.items else [],
        "is_cut": bool(desk.words) and desk.view(name).is_cut,
        "most": MOST,
        "searched": finding.SEARCHED,
        "masked": asked.is_masked,
        "reach": request.scope,
        "is_connected": bool(page.items) or Connection.objects.exists(),
        **more,
    }
    whole = not request.htmx or request.htmx.history_restore_request
    return render(request, f"connectors/{'desk' if whole else '_desk'}.html", context)


def _view(rows: QuerySet, found: Found) -> View:
    return View(rows.filter(pk__in=found.ids), len(found.ids), found.is_cut)


def _posts(asked: MessageFilter) -> QuerySet[Receipt]:
    """The posts with such an event; every post has at least one."""
    if not asked.is_used and asked.request.scope is not Scope.TEAM:
        return Receipt.objects.all()
    return Receipt.objects.filter(Exists(asked.qs.filter(receipt=OuterRef("pk"))))


def _elsewhere(desk: Desk, name: str) -> list[dict[str, Any]]:
    """The other views that hold what this one does not."""
    return [
        {"name": other, "count": desk.view(other).said, "url": desk.url(other)}
        for other in _VIEWS
        if other != name and desk.view(other).count
    ]


def _about(request: Request, found: list[Message]) -> list[tuple[Message, Proposal | None]]:
    """The messages of a page, each with the proposal it is about as far as this person sees it."""
    ids = [pk for kind, _, pk in (m.record.partition(":") for m in found) if kind == "proposal"]
    seen = Proposal.objects.visible_to(request.user).filter(pk__in=ids)
    about = {row.record: row for row in seen}
    if request.scope is Scope.MASKED:
        for message in found:
            message.why = looking.hide(message.why)
    return [(message, about.get(message.record)) for message in found]


def _cut_from(request: Request, found: list[Receipt]) -> list[dict[str, Any]]:
    """The posts of a page, each with how many events were cut from it and what became of them."""
    seen = looking.visible(request.user).filter(receipt__in=[one.pk for one in found])
    counted = seen.order_by("receipt", "status").values("receipt", "status")
    statuses: dict[int, list[tuple[str, int]]] = {}
    for row in counted.annotate(n=Count("pk")):
        statuses.setdefault(row["receipt"], []).append((row["status"], row["n"]))
    return [
        {
            "post": one,
            "events": sum(n for _, n in statuses.get(one.pk, [])),
            "statuses": statuses.get(one.pk, []),
        }
        for one in found
    ]
