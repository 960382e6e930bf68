"""How often a check looks, and when it is an error."""

from datetime import timedelta

from django import forms

from meshline.web.forms import reason_field
from reconciliation.tuning import FASTEST, MOST, SLOWEST


class TuningForm(forms.Form):
    minutes = forms.IntegerField(
        min_value=1, max_value=SLOWEST // FASTEST, label="Look every, minutes"
    )
    grave_from = forms.IntegerField(
        min_value=1, max_value=MOST, label="An error from",
        help_text="So many failing; fewer are a warning.",
    )  # fmt: skip
    reason = reason_field()

    @property
    def every(self) -> timedelta:
        return timedelta(minutes=self.cleaned_data["minutes"])
