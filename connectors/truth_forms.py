"""What is asked when it is agreed whose word counts."""

from decimal import Decimal
from typing import Any

from django import forms

from connectors import registry
from connectors.models import Connection
from meshline.policy.tolerance import EXACT, Near, Tolerance
from meshline.policy.truth import PEOPLE, How, Truth
from proposals import whose_word
from proposals.truth_words import Row, who

_UNKNOWN = "Choose one from the list."
_HELP = (
    "Always: its value, a blank one too; as long as it has told none at all, the most recent of "
    "the others. Unless blank: where it says nothing, the most recent of the others. Most recent: "
    "whoever spoke last. Ask a person: where systems differ neither is taken, and a ticket is "
    "opened."
)


class TruthForm(forms.Form):
    """Who is the authority, and for a field how its value wins."""

    how = forms.ChoiceField(
        label="Which value counts",
        choices=How.choices,
        help_text=_HELP,
        error_messages={"invalid_choice": _UNKNOWN},
    )
    connection = forms.ChoiceField(
        label="Authority",
        required=False,
        help_text="Counts for always and unless blank alone.",
        error_messages={"invalid_choice": _UNKNOWN},
    )

    near = forms.ChoiceField(
        label="Passes as equal",
        required=False,
        help_text="What a comparison with the other systems lets pass.",
        error_messages={"invalid_choice": _UNKNOWN},
    )
    tolerance = forms.DecimalField(
        label="How many percent", required=False, help_text="At most 50, of the amount here.",
        max_digits=12, decimal_places=4,
    )  # fmt: skip

    def __init__(
        self, *args: Any, row: Row, now: Truth, near: Tolerance = EXACT, **kwargs: Any
    ) -> None:
        kwargs.setdefault("initial", {
            "how": now.how.value, "connection": now.connection, "near": near.near.value,
            "tolerance": near.by.normalize() if near.by else None,
        })  # fmt: skip
        super().__init__(*args, **kwargs)
        self.row = row
        offered = _offered(row)
        # Whoever is the authority although it is not connected any more is kept in sight.
        gone = [(now.connection, now.connection)] if now.connection not in dict(offered) else []
        self.fields["connection"].choices = [*offered, *gone]  # type: ignore[attr-defined]
        self._offer_tolerances()
        if not row.is_field:
            del self.fields["how"]
            self.fields["connection"].help_text = f"Only it may say {row.states}."

    def _offer_tolerances(self) -> None:
        """Those that suit the field; where there is but one, nothing is asked."""
        offered = whose_word.nears(self.row.name)
        if len(offered) == 1:
            del self.fields["near"]
        else:
            choices = [(near.value, near.label) for near in offered]
            self.fields["near"].choices = choices  # type: ignore[attr-defined]
        if not any(near.is_measured for near in offered):
            del self.fields["tolerance"]

    @property
    def passes(self) -> Tolerance | None:
        """What passes as equal; None where nothing is asked of that."""
        if "near" not in self.fields:
            return None
        near = Near(self.cleaned_data.get("near") or Near.EXACT)
        by = self.cleaned_data.get("tolerance") or Decimal(0)
        return Tolerance(near, by if near.is_measured else Decimal(0))

    def clean(self) -> dict[str, Any]:
        passes = None if self.errors else self.passes
        if passes is not None and (why_not := passes.refusal):
            self.add_error("tolerance" if "tolerance" in self.fields else "near", why_not)
        return self.cleaned_data

    @property
    def agreed(self) -> Truth:
        how = How(self.cleaned_data.get("how", How.ALWAYS))
        return Truth(how, self.cleaned_data["connection"] if how.has_authority else "")

    @property
    def choice(self) -> dict[str, str]:
        """What was chosen, as a query or hidden fields say it again."""
        how = {"how": self.agreed.how.value} if self.row.is_field else {}
        passes = self.passes or EXACT
        near = {} if passes == EXACT else {"near": passes.near.value, "tolerance": f"{passes.by:f}"}
        return {**how, "connection": self.agreed.connection, **near}

    @property
    def mark(self) -> str:
        """What a preview was about: publishing anything else previews it first."""
        passes = self.passes or EXACT
        near = "" if passes == EXACT else f":{passes.written}"
        return f"{self.row.name}:{self.agreed.how}:{self.agreed.connection}{near}"


def _offered(row: Row) -> list[tuple[str, str]]:
    """What counts by itself, people where a move may be theirs, and everything that sends."""
    by_itself = who("", row.name)
    people = [] if row.is_field else [(PEOPLE, who(PEOPLE, row.name).capitalize())]
    if dict(people).get(PEOPLE, "").lower() == by_itself.lower():
        people = []
    senders = [
        (one.slug, f"{one.name} ({one.slug})")
        for one in Connection.objects.order_by("name", "pk")
        if registry.system(one.system).emitter
    ]
    return [("", by_itself[:1].upper() + by_itself[1:]), *people, *senders]
