"""What is asked when a runbook is written."""

from typing import Any

from django import forms

from exceptions.runbooks import FAILURE_MOST, MOST, NOTE_MOST
from meshline.web.forms import CleanText

# Numbers of versions are this large at most.
_MOST = 2**31 - 1
_STEPS = "A line that begins with “1.” is a step, one with “-” a point; addresses become links."


class RunbookForm(forms.Form):
    """The text of a version, why it changes, and the version it is typed over."""

    text = CleanText(
        required=False, max_length=MOST, label="What to do", help_text=_STEPS,
        widget=forms.Textarea(attrs={"rows": 16}),
    )  # fmt: skip
    note = CleanText(
        required=False, max_length=NOTE_MOST, label="Why this change",
        help_text="Stands with the version and on the trail.",
    )  # fmt: skip
    seen = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)


class FailureForm(forms.Form):
    """Which failure of a kind is to have a runbook of its own."""

    failure = CleanText(
        max_length=FAILURE_MOST, label="Failure",
        help_text="As tickets name it, such as “unavailable”.",
    )  # fmt: skip

    def __init__(self, *args: Any, known: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = known
        self.fields["failure"].widget.attrs["list"] = "known-failures"
