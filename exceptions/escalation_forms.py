"""What is asked when the escalation is changed."""

from typing import Any

from django import forms

from exceptions import escalation_terms
from exceptions.escalation_terms import (
    COUNTS,
    DAYS,
    HANDING_UP,
    LEAST_COUNT,
    MOST_COUNT,
    MOST_DAYS,
    MOST_PERCENT,
    PERCENTS,
    SPANS,
)
from exceptions.models import Escalation
from exceptions.sla_forms import SpanField
from meshline.policy import spans
from meshline.policy.operating_model import ModelError

_PERCENT = "Write a whole number of percent, such as 80."
_DAY = "Write a whole number of days, such as 7."
_COUNT = "Write a whole number, such as 3."
# A number that is no span: what to say where it cannot be read, and what it may be.
_NUMBERS = {
    **dict.fromkeys(PERCENTS, (_PERCENT, 1, MOST_PERCENT)),
    **dict.fromkeys(DAYS, (_DAY, 1, MOST_DAYS)),
    **dict.fromkeys(COUNTS, (_COUNT, LEAST_COUNT, MOST_COUNT)),
}
_FOR_GOOD = (*COUNTS, "same_fix_within")


class EscalationForm(forms.Form):
    """All numbers of the agreement; spans are business time of the ticket's team."""

    quiet_at = forms.IntegerField(
        label="Quiet mark at", help_text="% of a deadline's time. Told in Meshline only."
    )
    owner_at = forms.IntegerField(
        label="Owner warned at", help_text="%: whoever has the ticket, and its owner."
    )
    lead_at = forms.IntegerField(
        label="Owner and lead told at", help_text="%: 100 is the deadline itself."
    )
    accountable_at = forms.IntegerField(
        label="Accountable told at", help_text="%: who answers for the process in the end."
    )
    secondary_after = SpanField(
        label="To the second on call after",
        help_text="Not acknowledged so long after its time, it is handed up: 15 or 1 h 30 min.",
    )
    lead_after = SpanField(label="To the team's lead after")
    accountable_after = SpanField(label="To who is accountable after")
    ack_lapses_after = SpanField(
        label="An acknowledgement lapses after",
        help_text="Without anything done; then it is to be acknowledged anew.",
    )
    again_after = SpanField(
        label="Called to mind again after",
        help_text="When all steps are done and nobody took it; and again after each.",
    )
    recheck_after = SpanField(
        label="Looked at again after",
        help_text="What was resolved by hand without proof: proven by then, or open again.",
    )
    reopens_within = forms.IntegerField(
        label="Reopens within", help_text="Days. Later the same trouble is a new ticket."
    )
    recurs_in_weeks = forms.IntegerField(
        label="Weeks in which a cause comes back", help_text="In so many of the last weeks …"
    )
    recurs_of_weeks = forms.IntegerField(
        label="Weeks that are looked at",
        help_text="… of so many, this one counted, it is to be fixed for good.",
    )
    same_fix_times = forms.IntegerField(
        label="Times the same fix by hand",
        help_text="The same reason on tickets of the same kind, contract, step and failure.",
    )
    same_fix_within = forms.IntegerField(label="The same fix within", help_text="Days.")

    def __init__(self, *args: Any, row: Escalation, **kwargs: Any) -> None:
        kwargs.setdefault("initial", typed(row))
        super().__init__(*args, **kwargs)
        for name, (word, least, most) in _NUMBERS.items():
            field = self.fields[name]
            field.error_messages = {"required": word, "invalid": word}
            field.widget.attrs |= {"min": least, "max": most, "inputmode": "numeric"}

    def clean(self) -> None:
        if self.errors:
            return
        try:
            escalation_terms.check(self.cleaned_data)
        except ModelError as error:
            self.add_error(error.field, str(error))

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields as the page groups them."""
        rest = [name for name in self.fields if name not in {*PERCENTS, *HANDING_UP, *_FOR_GOOD}]
        named = [
            ("Warnings of both deadlines", PERCENTS),
            ("Handing up what nobody acknowledges", HANDING_UP),
            ("What is forgotten, and what comes back", rest),
            ("What is to be fixed for good", _FOR_GOOD),
        ]
        return [(title, [self[name] for name in names]) for title, names in named]


def typed(row: Escalation) -> dict[str, Any]:
    """The agreement as it stands in the form."""
    given = {name: getattr(row, name) for name in escalation_terms.NAMES}
    return given | {name: spans.words(given[name]) for name in SPANS}
