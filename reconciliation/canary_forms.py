"""What is said when a canary is switched, or its rhythm changed."""

from django import forms

from meshline.web.forms import reason_field
from reconciliation.canary_legs import FASTEST, SLOWEST


class SwitchForm(forms.Form):
    reason = reason_field()


class RhythmForm(forms.Form):
    """Minutes from one probe to the next."""

    fast = forms.IntegerField(
        min_value=FASTEST, max_value=SLOWEST, label="In business hours, minutes",
        help_text="And while it is red.",
    )  # fmt: skip
    slow = forms.IntegerField(min_value=FASTEST, max_value=SLOWEST, label="Otherwise, minutes")
    reason = reason_field()
