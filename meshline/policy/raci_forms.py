"""What is asked when the owners of a process, or the company, are changed, and about which day."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from meshline.people.forms import ZoneField, zones
from meshline.people.models import Team, User
from meshline.people.permissions import Role
from meshline.policy import ticket_work
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.raci_sets import Holder, Holders, Rows, held, label_of
from meshline.web.forms import SHORT, CleanText

Letter = RaciAssignment.Letter
_ONE = "Exactly one is accountable: choose a person, a team or a role."
_SOMEBODY = "Somebody is responsible: choose at least one person, team or role."
_UNKNOWN = "Somebody chosen here is not known; choose from the list."


_NO_MOMENT = "Write a day and a time, such as 2026-12-07 09:00."
_FROM_WHEN = "Empty: at once. Or later, in your zone ({zone}): until then nothing changes."
# What is further away was mistyped.
FIRST, LAST = 2000, 2100
_MOMENT = "%Y-%m-%dT%H:%M"


def word(one: Holder) -> str:
    """A person, a team or a role as one word of a form: "user:3", "team:1", "role:manager"."""
    if isinstance(one, Role):
        return f"role:{one.value}"
    return f"{'team' if isinstance(one, Team) else 'user'}:{one.pk}"


class MomentField(forms.DateTimeField):
    """A moment to the minute, in the zone of who types it."""

    widget = forms.DateTimeInput(format=_MOMENT, attrs={"type": "datetime-local"})

    def __init__(self, **options: Any) -> None:
        formats = [_MOMENT, "%Y-%m-%d %H:%M"]
        messages = {"invalid": _NO_MOMENT}
        super().__init__(required=False, input_formats=formats, error_messages=messages, **options)

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        if moment and not FIRST <= moment.year <= LAST:
            raise forms.ValidationError(_NO_MOMENT)
        return moment


class OneOf(forms.Select):
    """A list of which one is chosen; two that are sent are not silently one."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        sent = data.getlist(name) if hasattr(data, "getlist") else [data.get(name)]
        return sent[0] if len(sent) == 1 else sent or None


class OneHolder(forms.ChoiceField):
    widget = OneOf

    def to_python(self, value: Any) -> str:
        if isinstance(value, list):
            raise forms.ValidationError(_ONE)
        return super().to_python(value)


class OwnersForm(forms.Form):
    """Who answers for one process. Who holds a letter now is offered even if they could not be
    named any more; as responsible nobody else who could not work its tickets."""

    accountable = OneHolder(
        help_text="Exactly one: who answers for it in the end. Escalations go there.",
        error_messages={"required": _ONE, "invalid_choice": _UNKNOWN},
    )
    responsible = forms.MultipleChoiceField(
        help_text="At least one: who does the work. New tickets go to the first who is present.",
        error_messages={"required": _SOMEBODY, "invalid_choice": _UNKNOWN},
        widget=forms.CheckboxSelectMultiple,
    )
    consulted = forms.MultipleChoiceField(
        required=False,
        error_messages={"invalid_choice": _UNKNOWN},
        widget=forms.CheckboxSelectMultiple,
    )
    informed = forms.MultipleChoiceField(
        required=False,
        error_messages={"invalid_choice": _UNKNOWN},
        widget=forms.CheckboxSelectMultiple,
    )

    effective_from = MomentField(label="Takes effect")

    def __init__(self, *args: Any, rows: Rows, **kwargs: Any) -> None:
        named = held(rows)
        chosen = {letter: [word(one) for one in named.get(letter, [])] for letter in Letter.values}
        first = next(iter(chosen[Letter.ACCOUNTABLE]), "")
        kwargs.setdefault("initial", {**chosen, "accountable": first})
        super().__init__(*args, **kwargs)
        self._offered = _offered([row.user_id for row in rows if row.user_id])
        for name in Letter.values:
            empty = [("", "Choose one")] if name == "accountable" else []
            self.fields[name].choices = empty + self._groups(self._offered)  # type: ignore[attr-defined]
        # Who is sent all the same is refused by the verb, which says why.
        held_now = [self._offered[one] for one in chosen[Letter.RESPONSIBLE]]
        could = {word(one) for one in [*ticket_work.who_could(self._offered.values()), *held_now]}
        shown = {key: one for key, one in self._offered.items() if key in could}
        self.fields["responsible"].widget.choices = self._groups(shown)
        zone = timezone.get_current_timezone_name()
        self.fields["effective_from"].help_text = _FROM_WHEN.format(zone=zone)

    def clean_accountable(self) -> str:
        return self._active("accountable")[0]

    def clean_responsible(self) -> list[str]:
        return self._active("responsible")

    def clean_consulted(self) -> list[str]:
        return self._active("consulted")

    def clean_informed(self) -> list[str]:
        return self._active("informed")

    @property
    def holders(self) -> Holders:
        asked = self.cleaned_data
        chosen = {letter: asked[letter] for letter in Letter.values}
        chosen["accountable"] = [asked["accountable"]]
        return {letter: [self._offered[word] for word in words] for letter, words in chosen.items()}

    @property
    def mark(self) -> str:
        """What a preview was about: saving anything else previews it first."""
        return repr([self.cleaned_data[name] for name in self.base_fields])

    def _active(self, name: str) -> list[str]:
        """What was chosen, once each; whoever is no longer active is named."""
        chosen = self.cleaned_data[name]
        words = list(dict.fromkeys([chosen] if isinstance(chosen, str) else chosen))
        for one in (self._offered[word] for word in words):
            if isinstance(one, User) and not one.is_active:
                raise forms.ValidationError(
                    f"{one.name} is not active here any more; choose somebody who is."
                )
        return words

    def _groups(self, offered: dict[str, Holder]) -> list[tuple[str, Any]]:
        groups: dict[str, list[tuple[str, str]]] = {"Teams": [], "People": [], "Roles": []}
        for key, one in offered.items():
            if isinstance(one, User):
                groups["People"].append((key, _called(one)))
            else:
                groups["Teams" if isinstance(one, Team) else "Roles"].append((key, _label(one)))
        return list(groups.items())


class AsOfForm(forms.Form):
    """Which day's owners are looked at."""

    at = MomentField(label="Who answered, or will")


class OnePerson(forms.ModelChoiceField):
    """People by their names; who is not active any more says so."""

    def label_from_instance(self, user: User) -> str:
        return _called(user)


class CompanyForm(forms.Form):
    name = CleanText(max_length=SHORT)
    zone = ZoneField(help_text="Calendars and people keep zones of their own.")
    fallback_owner = OnePerson(
        User.objects.none(),
        required=False,
        empty_label="Nobody named",
        help_text="Gets what nobody else can be given. Without one it is a manager who is present.",
        error_messages={"invalid_choice": _UNKNOWN},
    )
    reconciles_at = forms.TimeField(
        label="Reconciles at",
        required=False,
        help_text="When the day's comparison with the other systems begins, in the company's zone.",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": "Write a time of the day, such as 06:00."},
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        now = {name: getattr(company, name) for name in self.base_fields}
        kwargs.setdefault("initial", now)
        super().__init__(*args, **kwargs)
        here = User.objects.filter(pk=company.fallback_owner_id)
        people = (User.objects.active() | here).order_by("name", "pk")
        field: Any = self.fields["fallback_owner"]
        field.queryset = people
        could = {one.pk for one in ticket_work.who_could(people)} | {company.fallback_owner_id}
        field.widget.choices = [
            (key, label) for key, label in field.choices if not key or key.value in could
        ]
        if company.zone not in dict(zones()):
            self.fields["zone"].choices = [(company.zone, company.zone), *zones()]  # type: ignore[attr-defined]


def _offered(holding: list[int]) -> dict[str, Holder]:
    """Every team, active person and role, and who holds a letter as it is, by their word."""
    people = User.objects.active() | User.objects.filter(pk__in=holding)
    teams = Team.objects.order_by("name", "pk")
    found: list[Holder] = [*teams, *people.order_by("name", "pk"), *Role]
    return {word(one): one for one in found}


def _called(user: User) -> str:
    return user.name if user.is_active else f"{user.name} (not active)"


def _label(one: Holder) -> str:
    label = label_of(one)
    return label[:1].upper() + label[1:]
