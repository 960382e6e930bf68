"""Signing the Monday checklist: how long it took, and what is noted."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime

from reconciliation.monday import LONGEST_NOTE
from reconciliation.monday_weeks import MINUTES_MOST

# Before the name of an item, in the name of its field.
_NOTE = "note-"


class SignForm(forms.Form):
    """A note for each item, one for the whole, and the minutes; and which look is signed."""

    seen = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    note = forms.CharField(
        required=False, max_length=LONGEST_NOTE, label="Note on the whole",
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    minutes = forms.IntegerField(min_value=1, max_value=MINUTES_MOST, label="Minutes it took")

    def __init__(self, items: list[str], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.items = items
        for name in items:
            self.fields[f"{_NOTE}{name}"] = forms.CharField(
                required=False, max_length=LONGEST_NOTE, label="Note",
                widget=forms.Textarea(attrs={"rows": 1}),
            )  # fmt: skip

    def clean_seen(self) -> datetime:
        """When that was looked at which the person read; whatever names none, long ago."""
        try:
            named = parse_datetime(self.cleaned_data["seen"])
        except ValueError:
            named = None
        return named if named and named.tzinfo else datetime.min.replace(tzinfo=UTC)

    def of_now(self, looked_at: datetime) -> "SignForm":
        """The same, typed by the same person, over what is found now."""
        return SignForm(self.items, {**dict(self.data.items()), "seen": looked_at.isoformat()})

    @property
    def notes(self) -> dict[str, str]:
        """What was noted, by item."""
        told = self.cleaned_data.items()
        return {name.removeprefix(_NOTE): text for name, text in told if name.startswith(_NOTE)}

    def of(self, name: str) -> Any:
        """The field of an item's note."""
        return self[f"{_NOTE}{name}"]
