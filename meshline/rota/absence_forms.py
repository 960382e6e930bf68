"""What is asked when somebody is out."""

from typing import Any

from django import forms

from meshline.people.models import Absence, User
from meshline.rota import absences
from meshline.rota.shift_forms import TimesForm, people, person_field
from meshline.web.forms import CleanText, LocalMoment


class AbsenceForm(TimesForm):
    """From when until when, and who has the work; one that has begun keeps its start."""

    starts_at = LocalMoment(label="From", required=False)
    stand_in = person_field(
        "Who stands in",
        required=False,
        empty_label="Nobody in particular",
        help_text="Has the open work meanwhile; without anybody it falls to who answers for it.",
    )
    note = CleanText(
        max_length=absences.NOTE_LENGTH,
        required=False,
        help_text="For you and for those who plan absences; others only see that you are out.",
    )
    field_order = ("starts_at", "ends_at", "stand_in", "note")

    def __init__(
        self, *args: Any, user: User, absence: Absence | None = None, begun: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if absence is not None:
            names = ("starts_at", "ends_at", "stand_in", "note")
            kwargs.setdefault("initial", {name: getattr(absence, name) for name in names})
        super().__init__(*args, **kwargs)
        field: Any = self.fields["stand_in"]
        field.queryset = people(absence.stand_in_id if absence else None).exclude(pk=user.pk)
        starts: forms.Field = self.fields["starts_at"]
        starts.help_text = f"Empty: from now on. {starts.help_text}"
        self._fixed: dict[str, Any] = {}
        if absence is not None:
            starts.required = True
            starts.help_text = starts.help_text.removeprefix("Empty: from now on. ")
        if absence is not None and begun:
            self._fixed = {"starts_at": absence.starts_at}
            del self.fields["starts_at"]

    @property
    def asked(self) -> dict[str, Any]:
        return {**self._fixed, **self.cleaned_data}
