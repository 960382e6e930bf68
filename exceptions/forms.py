"""What is asked when a ticket is resolved, escalated or written on."""

from django import forms

from exceptions.desk import NOTE_LENGTH
from exceptions.states import Resolution
from meshline.web.forms import CleanText, reason_field

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


class EscalateForm(forms.Form):
    reason = reason_field(help_text="Whoever is accountable reads it.")


class NoteForm(forms.Form):
    text = CleanText(
        label="Write a note",
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "A note needs some text."},
    )
