"""What is asked when the rota is changed; times are typed in the person's own zone."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from meshline.people.models import OnCallShift, Team, User
from meshline.people.permissions import Permission, Role, Scope, scope
from meshline.rota import shifts, wording
from meshline.web.forms import CleanText, LocalMoment

_CHOOSE = "Choose somebody of the list."


class PersonChoice(forms.ModelChoiceField):
    """Somebody of the company, by name and what they are."""

    def label_from_instance(self, obj: Any) -> str:
        words = f"{obj.name} · {obj.team or Role(obj.role).label}"
        return words if obj.is_active else f"{words} (not active)"


def person_field(label: str, **options: Any) -> PersonChoice:
    options.setdefault("empty_label", "Choose somebody")
    messages = {"invalid_choice": _CHOOSE, "required": _CHOOSE}
    return PersonChoice(User.objects.none(), label=label, error_messages=messages, **options)


def people(*also: int | None) -> QuerySet:
    """Everybody who can be given work, and who is named already."""
    here = User.objects.who_work()
    found = here | User.objects.filter(pk__in=[pk for pk in also if pk])
    return found.select_related("team").order_by("name", "pk")


class TimesForm(forms.Form):
    """A start and an end; the zone they are typed in stands beneath."""

    starts_at = LocalMoment(label="From")
    ends_at = LocalMoment(label="Until")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = f"In your time zone, {timezone.get_current_timezone_name()}."
        for name in ("starts_at", "ends_at"):
            if name in self.fields:
                self.fields[name].help_text = zone


class ShiftForm(TimesForm):
    """A shift as it is changed; of one that has begun only the end."""

    user = person_field("Person")
    layer = forms.ChoiceField(
        label="Line",
        choices=OnCallShift.Layer.choices,
        help_text="The secondary is asked where the primary is not there.",
    )
    field_order: Any = ("team", "user", "layer", "starts_at", "ends_at", "weeks")

    def __init__(
        self, *args: Any, by: User, shift: OnCallShift | None = None, begun: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if shift is not None:
            facts = ("user", "layer", "starts_at", "ends_at")
            kwargs.setdefault("initial", {name: getattr(shift, name) for name in facts})
        super().__init__(*args, **kwargs)
        field: Any = self.fields["user"]
        field.queryset = people(shift.user_id if shift else None)
        if scope(by, Permission.KEEP_ROTA) is Scope.OWN:
            field.queryset = people().filter(pk=by.pk)
            field.empty_label = None
        if begun and shift is not None:
            self._fixed = {"user": shift.user, "layer": shift.layer, "starts_at": shift.starts_at}
            for name in self._fixed:
                del self.fields[name]
        else:
            self._fixed = {}

    @property
    def asked(self) -> dict[str, Any]:
        return {**self._fixed, **self.cleaned_data}


class NewShiftForm(ShiftForm):
    team = forms.ModelChoiceField(
        Team.objects.order_by("name"),
        empty_label="Choose a team",
        error_messages={"required": "Choose a team.", "invalid_choice": "Choose a team."},
    )
    weeks = forms.IntegerField(
        label="Weeks in all",
        initial=1,
        min_value=1,
        max_value=shifts.MOST_WEEKS,
        help_text="2 or more: the same again every week, at the same local time.",
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        if scope(by, Permission.KEEP_ROTA) is not Scope.ALL and by.team_id:
            field: Any = self.fields["team"]
            field.queryset = Team.objects.filter(pk=by.team_id)


class OverrideForm(TimesForm):
    user = person_field("Who takes over")
    field_order = ("user", "starts_at", "ends_at")

    def __init__(self, *args: Any, by: User, shift: OnCallShift, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["user"]
        field.queryset = people().exclude(pk=shift.user_id)
        if scope(by, Permission.KEEP_ROTA) is Scope.OWN and by.pk != shift.user_id:
            field.queryset = people().filter(pk=by.pk)


class ShiftChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        when = f"{wording.moment(obj.starts_at)} – {wording.moment(obj.ends_at)}"
        return f"{obj.user.name}, {when} ({obj.get_layer_display().lower()})"


class SwapForm(forms.Form):
    other = ShiftChoice(
        OnCallShift.objects.none(),
        label="With whose shift",
        empty_label="Choose a shift",
        error_messages={
            "required": "Choose the other shift.", "invalid_choice": "Choose a shift of the list.",
        },
    )  # fmt: skip

    def __init__(self, *args: Any, others: QuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["other"]
        field.queryset = others


class HandOverForm(forms.Form):
    note = CleanText(
        label="What the next one should know",
        max_length=shifts.NOTE_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
