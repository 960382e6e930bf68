"""What is asked before outcomes are called off, or one is to be done anew."""

from typing import Any

from django import forms

from connectors import showing
from meshline.web.forms import reason_field
from proposals.models import Outcome


class ForceForm(forms.Form):
    """Which outcome is to be done anew, and why."""

    outcome = forms.TypedChoiceField(
        label="What is to be done anew",
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose what is to be done anew.",
            "invalid_choice": "This outcome does not hang on this ticket.",
        },
    )
    reason = reason_field(help_text="The second person reads it, and it stands on the trail.")

    def __init__(self, *args: Any, outcomes: list[Outcome], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = outcomes
        field = self.fields["outcome"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.pk, _choice(one)) for one in outcomes]


class SkipForm(forms.Form):
    """Which outcomes are called off, and why."""

    outcomes = forms.TypedMultipleChoiceField(
        label="What is called off",
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose what is called off.",
            "invalid_choice": "One of these does not hang open on this ticket any more.",
        },
    )
    reason = reason_field(help_text="It stands on the trail and on the ticket.")

    def __init__(self, *args: Any, outcomes: list[Outcome], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = outcomes
        field = self.fields["outcomes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(one.pk, _choice(one)) for one in outcomes]


def _choice(outcome: Outcome) -> str:
    """As in "Create the invoice of Website relaunch: given up, 3 attempts"."""
    tries = "1 attempt" if outcome.attempts == 1 else f"{outcome.attempts} attempts"
    state = outcome.get_state_display().lower()
    return f"{showing.says(outcome.kind)} of {outcome.proposal}: {state}, {tries}"
