"""One page with every part of the kit on it, for the eye, the screen reader and the layout."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

from django import forms
from django.http import HttpResponse
from django.template import engines

from meshline.people.permissions import Role
from meshline.web.forms import CleanText, reason_field
from meshline.web.paging import Page

_TEMPLATE = Path(__file__).with_name("kit.html")


_DEMO = {"Ana Moreno": Role.OPERATOR, "Mara Lindt": Role.SDR_MANAGER, "Rui Costa": Role.REP}
DEMO_PEOPLE = [
    SimpleNamespace(name=name, role=role, email=f"{name[:3].lower()}@x.test", password="lanterns")
    for name, role in _DEMO.items()
]


class FilterForm(forms.Form):
    q = CleanText(label="Search", required=False)
    state = forms.ChoiceField(choices=[("", "Any state"), ("open", "Open")], required=False)
    owner = forms.ChoiceField(choices=[("", "Anybody"), ("1", "Ana Moreno")], required=False)


class ExampleForm(forms.Form):
    name = CleanText(help_text="As it stands on the document.")
    amount = forms.DecimalField(required=False)
    tier = forms.ChoiceField(choices=[("minutes", "Minutes"), ("hours", "Hours")])
    remind = forms.BooleanField(required=False, label="Remind the owner")
    channel = forms.ChoiceField(choices=[("m", "E-mail"), ("s", "Slack")], widget=forms.RadioSelect)
    why = reason_field(label="Why")


def page(request):
    now = request.now
    template = engines["django"].from_string(_TEMPLATE.read_text())
    form = ExampleForm({"amount": "twelve", "tier": "minutes", "why": "Typed and kept"})
    context = {
        "now": now,
        "filter": FilterForm(request.GET or None),
        "form": form,
        "tickets": _tickets(now),
        "tabs": [
            {"label": "Mine and unclaimed", "url": "?", "count": 12, "current": True},
            {"label": "Team", "url": "?tab=team", "count": 48},
            {"label": "Resolved", "url": "?tab=resolved", "count": 1204},
            {"label": "History", "url": "?tab=history"},
        ],
        "payload": {
            "event": "quote.accepted",
            "amount": 48200,
            "note": "<script>1</script>",
        },
        "change": {
            "before": {"state": "sent", "owner": "Ben Okafor", "amount": "1200", "name": None},
            "after": {
                "state": "signed",
                "owner": "Ben Okafor",
                "amount": "1250.00",
                "link": "Q-17",
            },
        },
        "pages": Page([1], "?before=17", "?after=90"),
        "hours_ago": now - timedelta(hours=3),
        "minutes_ago": now - timedelta(minutes=3),
        "years_ago": now - timedelta(days=400),
    }
    return HttpResponse(template.render(context, request))


def break_down(request):
    raise RuntimeError("a part that breaks")


def _tickets(now):
    rows = [
        ("Invoice was not created for Q-1841", "Northwind", "open", "critical", -130, 48200),
        ("Two systems disagree on Q-1802", "Halden Robotics", "claimed", "high", 12, 18990),
        ("No owner for lead nora@lumenlabs.io", "Lumen Labs", "acknowledged", "normal", 95, None),
        ("Field “owner” is missing in 14 messages", "HubSpot", "open", "low", 2200, 3120),
    ]  # fmt: skip
    return [
        {
            "title": title, "about": about, "state": state, "severity": severity,
            "due": now + timedelta(minutes=due), "opened": now - timedelta(minutes=40 + abs(due)),
            "amount": amount and Decimal(amount),
            "owner": "Ana Moreno" if state != "open" else None,
        }
        for title, about, state, severity, due, amount in rows
    ]  # fmt: skip
