"""Tags and filters every template has without loading them; docs/ui-kit.md shows each in use."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from meshline import instant
from meshline import money as money_rules
from meshline.policy import called
from meshline.web import states, words

register = template.Library()
_numbers = itertools.count(1)
NOTHING = "\N{EM DASH}"


# --- Icons and chips -------------------------------------------------------------------------
@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of static/icons.svg; with a label where it stands alone and means something."""
    if label:
        shape = '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>'
        return format_html(shape, label, _icon_url(name))
    return _plain_icon(name)


@register.simple_tag
def chip(text: Any, tone: words.Tone = "neutral", icon: str | None = None) -> SafeString:
    """Words with a colour and an icon; icon="" leaves the icon out."""
    name = states.TONE_ICONS.get(tone, "circle-dot") if icon is None else icon
    picture = _plain_icon(name) if name else ""
    return format_html('<span class="chip chip-{}">{}{}</span>', tone, picture, text)


@register.simple_tag
@lru_cache(maxsize=256)
def state_chip(state: str) -> SafeString:
    """The chip of a proposal's, ticket's, outcome's or message's state, or of a severity."""
    if not state:
        return SafeString(NOTHING)
    return chip(*states.look(state))


@register.simple_tag(takes_context=True)
def sla_chip(
    context: template.Context,
    due: datetime | None,
    at: datetime | None = None,
    started: datetime | None = None,
    paused: str = "",
    stopped: bool = False,
    late: str = "",
) -> SafeString:
    """How a deadline stands; with `started` it is near from 80 % of the time on."""
    now = at or _now(context)
    stand = words.sla(due, now=now, started=started, paused=paused, stopped=stopped, late=late)
    made = chip(stand.text, stand.tone, stand.icon)
    return _time(due, made) if due else made


# --- Times, money, people --------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def when(context: template.Context, moment: datetime | None) -> SafeString:
    """Such as "3 min ago", with the exact time in its title; kept fresh by meshline.js."""
    if moment is None:
        return SafeString(NOTHING)
    relative = words.relative(moment, now=_now(context))
    if relative is None:
        return _time(moment, words.day_and_time(timezone.localtime(moment)))
    return _time(moment, relative, relative=True)


@register.simple_tag(takes_context=True)
def age(context: template.Context, since: datetime) -> SafeString:
    """How long something has been so: "3 h 10 m", with its exact beginning in the title."""
    return _time(since, words.span(_now(context) - since))


@register.simple_tag
def moment(at: datetime | None) -> SafeString:
    """The exact time with its zone, in words."""
    return _time(at, words.absolute(timezone.localtime(at))) if at else SafeString(NOTHING)


@register.filter(expects_localtime=True)
def day_time(at: datetime | None) -> str:
    """A moment of these days in the reader's zone: "Thu 3 Dec, 13:00"; nothing for none.

    Lists have a hundred of them, and Django's own `date` takes eight times as long for each.
    """
    return words.weekday_and_time(at) if at else ""


@register.simple_tag
def stretch(of: Any) -> str:
    """From its start to its end, a day that both share said once: "Thu 3 Dec, 13:00 – 17:00"."""
    return words.stretch(timezone.localtime(of.starts_at), timezone.localtime(of.ends_at))


@register.filter
def clipped(text: str, most: int) -> str:
    """The text's first characters, with an ellipsis where it is longer."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


@register.filter
def breakable(text: Any) -> SafeString:
    """A value that may take two lines: an e-mail address breaks behind its @, not in a word."""
    return format_html_join(mark_safe("@<wbr>"), "{}", ((part,) for part in str(text).split("@")))


@register.filter
def span(length: timedelta) -> str:
    """How long something took: "2 h 10 m"."""
    return words.span(length)


@register.filter
def money(amount: Any, currency: str = "") -> str:
    """Such as "1,234.50 EUR"; a dash for no amount."""
    if amount is None or amount == "":
        return NOTHING
    try:
        return money_rules.worded(Decimal(str(amount)), currency or "")
    except InvalidOperation:
        return str(amount)


@register.simple_tag
def person(user: Any, nobody: str = "Nobody") -> SafeString:
    """A person's name with their initials; a plain name does as well."""
    if not user:
        return format_html('<span class="person person-none">{}</span>', nobody)
    name = str(getattr(user, "name", user))
    shape = '<span class="person"><span class="initials" aria-hidden="true">{}</span>{}</span>'
    return format_html(shape, initials(name), name)


@register.simple_tag
def holder(
    who: Any, home: Any = None, until: datetime | None = None, *, plain: bool = False
) -> SafeString:
    """Who has something; while that is only because somebody is out, for whom (`home`) and until
    when. `plain` leaves the initials out."""
    shown = format_html("{}", who.name) if plain else person(who)
    if not home:
        return shown
    end = SafeString("")
    if until:
        local = timezone.localtime(until)
        shape = ' until <time datetime="{}">{}</time>'
        end = format_html(shape, local.isoformat(), words.weekday_and_time(local))
    shape = '{}<span class="standing">, standing in for {}{}</span>'
    return format_html(shape, shown, home.name, end)


@register.simple_tag(takes_context=True)
def connection_name(context: template.Context, slug: str) -> str:
    """What people call a connection; the names are read once a page."""
    request = context["request"]
    if not hasattr(request, "called"):
        request.called = called.names()
    return request.called[slug]


@register.filter
def initials(name: str) -> str:
    """Two letters for a name."""
    parts = [part for part in str(name).split() if part[0].isalnum()]
    if not parts:
        return "?"
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper()


# --- Acts ------------------------------------------------------------------------------------
@register.inclusion_tag("web/_action.html", takes_context=True)
def action(context: template.Context, url: str, label: str, **options: Any) -> dict[str, Any]:
    """One button that posts to `url`; with `refusal`, a disabled one that says why.

    Options: icon, tone (primary, danger, quiet), refusal, name and value (posted), target and swap
    (htmx; without a target it is a plain form), small, hide_label (the icon alone is seen). What
    the page has in `sent_along`, by name, goes with it.
    """
    return _act(context, url, label, options)


@register.inclusion_tag("web/_reason_action.html", takes_context=True)
def reason_action(
    context: template.Context, url: str, label: str, **options: Any
) -> dict[str, Any]:
    """A button that opens a small form in place and asks for a reason, or for `form`'s fields.

    Options: as `action`, and form, hint (a sentence above), reason_label, required, submit.
    """
    return {"reason_label": "Reason", "required": True, **_act(context, url, label, options)}


@register.inclusion_tag("web/_refused.html")
def refused(label: str, reason: str, **options: Any) -> dict[str, Any]:
    """A disabled button with its reason, for what is not a plain `action`.

    Options: icon, small, hide_label, open (the reason stands below at all times). `action` and
    `reason_action` take `open` as well.
    """
    return {"label": label, "refusal": reason, "number": _number(), **options}


# --- Pieces of pages -------------------------------------------------------------------------
@register.simple_block_tag(end_name="endpage_header")
def page_header(
    content: str, title: Any, sub: Any = "", back: str = "", back_label: str = "Back"
) -> SafeString:
    """The head of a page: where from, what, one line about it; the block holds the actions."""
    way = _BACK.format(icon=_plain_icon("arrow-left"), link=_link(back, back_label)) if back else ""
    line = format_html('<p class="page-sub">{}</p>', sub) if sub else ""
    acts = format_html('<div class="page-actions">{}</div>', content) if content.strip() else ""
    shape = '<header class="page-head"><div class="page-heading">{}<h1>{}</h1>{}</div>{}</header>'
    return format_html(shape, SafeString(way), title, line, acts)


@register.inclusion_tag("web/_empty.html")
def empty_state(
    kind: str, title: str, text: str = "", url: str = "", label: str = ""
) -> dict[str, Any]:
    """An empty state: "fine" (nothing wrong), "filtered" (all hidden) or "unconnected"."""
    return {"kind": kind, "title": title, "text": text, "url": url, "label": label,
            "icon": _EMPTY_ICONS[kind]}  # fmt: skip


@register.inclusion_tag("web/_payload.html")
def payload(content: Any, label: str = "Payload") -> dict[str, Any]:
    """A payload as escaped text with a copy button; what is not text is written as JSON."""
    return {"text": as_text(content), "label": label, "number": _number()}


@register.inclusion_tag("web/_pagination.html")
def pagination(page: Any, what: str = "entries") -> dict[str, Any]:
    """Newer and older, for a `paging.Page`."""
    return {"page": page, "what": what}


@dataclass(frozen=True)
class DiffRow:
    """One field of a change: its values before and after, and what became of it."""

    name: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        if self.before == self.after:
            return "same"
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@register.filter
def diff_rows(change: Any) -> list[DiffRow]:
    """A change's fields one by one: of a trail line, or of a mapping with "before" and "after"."""
    before, after = _side(change, "before"), _side(change, "after")
    return [
        DiffRow(name, _shown(before, name), _shown(after, name))
        for name in dict.fromkeys([*before, *after])
    ]


@register.filter
def as_text(content: Any) -> str:
    """Bytes, text or data as text that can be shown and copied."""
    if isinstance(content, bytes | memoryview):
        return bytes(content).decode("utf-8", errors="replace")
    if content is None or isinstance(content, str):
        return content or ""
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)


# --- Underneath ------------------------------------------------------------------------------
_TIME = '<time datetime="{}" title="{}"{}>{}</time>'
_BACK = '<p class="page-back">{icon}{link}</p>'
_EMPTY_ICONS = {"fine": "circle-check", "filtered": "filter-off", "unconnected": "plug-x"}
_SEALED = {"person_key", "sealed"}


@lru_cache(maxsize=512)
def _plain_icon(name: str) -> SafeString:
    shape = '<svg class="icon" aria-hidden="true"><use href="{}"/></svg>'
    return format_html(shape, _icon_url(name))


@lru_cache(maxsize=512)
def _icon_url(name: str) -> str:
    return f"{static('icons.svg')}#{name}"


def _link(url: str, label: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, label)


def _time(at: datetime, shown: str, *, relative: bool = False) -> SafeString:
    """The element browsers and readers know as a time."""
    # Made of numbers and names of days: a list of a hundred does not look for markup in them.
    exact = SafeString(words.absolute(timezone.localtime(at)))
    stamp = SafeString(at.astimezone(UTC).isoformat(timespec="seconds"))
    mark = SafeString(" data-relative" if relative else "")
    return format_html(_TIME, stamp, exact, mark, shown)


def _now(context: template.Context) -> datetime:
    """The request's moment, looked up once for a page however many times are shown on it."""
    request = context.get("request")
    if request is None:
        return instant.now()
    if getattr(request, "now", None) is None:
        request.now = instant.now()
    return request.now


def _act(
    context: template.Context, url: str, label: str, options: dict[str, Any]
) -> dict[str, Any]:
    shared = {"request": context.get("request"), "number": _number()}
    shared["sent_along"] = context.get("sent_along")
    return {"url": url, "label": label, **options, **shared}


def _number() -> int:
    return next(_numbers)


def _side(change: Any, name: str) -> Mapping[str, Any]:
    side = change.get(name) if isinstance(change, Mapping) else getattr(change, name, None)
    return side or {}


def _shown(side: Mapping[str, Any], name: str) -> str | None:
    return _value(side[name]) if name in side else None


def _value(value: Any) -> str:
    """A value as a person reads it in one line."""
    if isinstance(value, Mapping):
        return "(personal)" if value.keys() == _SEALED else ", ".join(_pairs(value))
    if isinstance(value, list | tuple):
        return ", ".join(_value(part) for part in value) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOTHING if value is None or value == "" else str(value)


def _pairs(value: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name}: {_value(part)}" for name, part in value.items())
