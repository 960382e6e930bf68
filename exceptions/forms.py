"""What is asked when something is done with a ticket."""

import re
from datetime import timedelta
from typing import Any

from django import forms

from exceptions import handing, snoozing
from exceptions.desk import MINUTES_MOST, NOTE_LENGTH
from exceptions.states import Resolution
from meshline import instant
from meshline.people.models import User
from meshline.web.forms import CleanText, LocalMoment, reason_field

_CHOOSE = "Say why it is resolved: choose one of the reasons."


class ResolveForm(forms.Form):
    resolution = forms.ChoiceField(
        label="Reason",
        choices=[("", "Choose a reason"), *Resolution.for_people()],
        error_messages={"required": _CHOOSE, "invalid_choice": _CHOOSE},
    )
    note = CleanText(
        max_length=NOTE_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    minutes = forms.IntegerField(
        label="Minutes it took you", required=False, min_value=0, max_value=MINUTES_MOST
    )


class EscalateForm(forms.Form):
    reason = reason_field(help_text="Whoever is accountable reads it.")


class NoteForm(forms.Form):
    text = CleanText(
        label="Write a note",
        help_text="@Name or @e-mail tells that person of it.",
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "A note needs some text."},
    )


class MergeForm(forms.Form):
    """Of which ticket it is a part."""

    into = forms.IntegerField(
        label="The number of the other ticket",
        min_value=1,
        max_value=2**63 - 1,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 10}),
        error_messages={
            "required": "Say which ticket it belongs to, by its number.",
            "invalid": "Write the number of a ticket, such as 31.",
        },
    )


class TakeOverForm(forms.Form):
    reason = reason_field(help_text="Who has it now reads it.")


class AssignForm(forms.Form):
    to = forms.ModelChoiceField(
        label="To",
        queryset=User.objects.active()
        .filter(role__in=handing.receiving_roles())
        .order_by("name", "pk"),
        empty_label="Choose a person",
        error_messages={
            "required": "To: choose who shall have it.",
            "invalid_choice": "To: choose somebody who works on tickets.",
        },
    )
    note = CleanText(
        label="Note for them", max_length=NOTE_LENGTH, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


_SPANS = {
    "1h": ("1 hour", timedelta(hours=1)),
    "4h": ("4 hours", timedelta(hours=4)),
    "1d": ("1 day", timedelta(days=1)),
    "3d": ("3 days", timedelta(days=3)),
    "7d": ("7 days", timedelta(days=7)),
}


class SnoozeForm(forms.Form):
    """For a while, or until a time; one of them."""

    span = forms.ChoiceField(
        label="For",
        required=False,
        choices=[
            ("", "Until a time"),
            *((name, said) for name, (said, _) in _SPANS.items()),
        ],
    )
    until = LocalMoment(
        label="Until", required=False, help_text="Its clocks go on; it wakes when it is due."
    )
    reason = CleanText(
        max_length=snoozing.REASON_LENGTH,
        error_messages={"required": "Say why it can wait."},
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        span = _SPANS.get(given.pop("span", ""))
        if span and not given.get("until"):
            given["until"] = instant.now() + span[1]
        elif span:
            self.add_error("until", "Say for how long, or until when; not both.")
        elif not given.get("until") and "until" not in self.errors:
            self.add_error("until", "Say until when, or for how long.")
        return given


class LinkForm(forms.Form):
    other = CleanText(
        label="Ticket",
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "Its number or address"}),
        error_messages={"required": "Ticket: write its number or its address."},
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        text = given.pop("other", "")
        found = re.search(r"^#?([0-9]{1,18})$|/queue/([0-9]{1,18})/?(?:[?#].*)?$", text)
        if text and not found:
            self.add_error("other", "Ticket: write its number or its address.")
        elif found:
            given["other_id"] = int(found[1] or found[2])
        return given


# By the name of the act's URL.
FORMS: dict[str, type[forms.Form]] = {
    "resolve": ResolveForm, "escalate": EscalateForm, "note": NoteForm, "assign": AssignForm,
    "take-over": TakeOverForm, "snooze": SnoozeForm, "link": LinkForm,
}  # fmt: skip
