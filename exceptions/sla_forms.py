"""What is asked when an SLA is added or changed."""

from typing import Any

from django import forms

from exceptions.kinds import KINDS
from meshline.policy import spans
from meshline.policy.models import Sla
from meshline.policy.sla import Terms
from meshline.web.forms import SHORT, CleanText

_BACKWARDS = "A ticket is acknowledged before it is fixed; make this at least as long."
_CHOOSE = "Choose a kind of ticket from the list."


class SpanField(CleanText):
    """A span of business time as people write it, in minutes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=SHORT, error_messages={"required": spans.UNREADABLE}, **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            minutes = spans.read(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if refusal := spans.refusal(minutes):
            raise forms.ValidationError(refusal)
        return minutes


class SlaForm(forms.Form):
    """Two spans; for a new SLA the kind of ticket, too: a kind has its severity."""

    kind = forms.ChoiceField(
        label="Kind of ticket",
        help_text="A kind has its severity; only kinds without an SLA of their own are listed.",
        error_messages={"required": _CHOOSE, "invalid_choice": _CHOOSE},
    )
    ack_within = SpanField(
        label="Acknowledged within", help_text="Business time: 90, 4 h or 1 h 30 min."
    )
    fix_within = SpanField(label="Fixed within", help_text="Counted from the ticket's opening.")

    def __init__(self, *args: Any, row: Sla | None, **kwargs: Any) -> None:
        if row:
            spoken = {
                name: spans.words(getattr(row, name)) for name in ("ack_within", "fix_within")
            }
            kwargs.setdefault("initial", spoken)
        super().__init__(*args, **kwargs)
        self.row = row
        if row:
            del self.fields["kind"]
        else:
            offered = [("", "Choose a kind"), *_kinds_without_own(but=self.data.get("kind"))]
            self.fields["kind"].choices = offered  # type: ignore[attr-defined]

    def clean(self) -> None:
        asked = self.cleaned_data
        if asked.get("ack_within", 0) > asked.get("fix_within", spans.LONGEST):
            self.add_error("fix_within", _BACKWARDS)

    @property
    def kind_name(self) -> str:
        return self.row.kind if self.row else self.cleaned_data["kind"]

    @property
    def severity(self) -> str:
        return self.row.severity if self.row else KINDS[self.kind_name].severity.value

    @property
    def agreed(self) -> Terms:
        return Terms(self.cleaned_data["ack_within"], self.cleaned_data["fix_within"])

    @property
    def mark(self) -> str:
        """What a preview was about: publishing anything else previews it first."""
        return f"{self.severity}:{self.kind_name}:{self.agreed.ack_within}:{self.agreed.fix_within}"


def _spoken(row: Sla) -> dict[str, str]:
    return {name: spans.words(getattr(row, name)) for name in ("ack_within", "fix_within")}


def _kinds_without_own(*, but: str | None) -> list[tuple[str, str]]:
    """Kinds an SLA can be added for; `but` stays, as somebody chose it before it got one."""
    rows = Sla.objects.exclude(kind="").values_list("kind", "severity")
    own = {row for row in rows if row[0] != but}
    return [
        (kind.name, f"{kind.label} ({kind.severity.label.lower()})")
        for kind in KINDS.values()
        if (kind.name, kind.severity.value) not in own
    ]
