"""What is asked when the owners of a process, or the company, are changed."""

from collections.abc import Iterable
from typing import Any

from django import forms

from meshline.people.forms import ZoneField, zones
from meshline.people.models import Team, User
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.operating_model import Holders
from meshline.web.forms import SHORT, CleanText

Letter = RaciAssignment.Letter
_ONE = "Exactly one is accountable: choose a person or a team."
_SOMEBODY = "Somebody is responsible: choose at least one person or team."
_UNKNOWN = "Somebody chosen here is not known; choose from the list."


class Holder:
    """A person or a team as one word of a form: "user:3", "team:1"."""

    @staticmethod
    def word(one: User | Team) -> str:
        return f"{'team' if isinstance(one, Team) else 'user'}:{one.pk}"


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
    """Who answers for one process. Who holds a letter now is offered even if no longer active."""

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

    def __init__(self, *args: Any, rows: Iterable[RaciAssignment], **kwargs: Any) -> None:
        held: dict[str, list[str]] = {letter: [] for letter in Letter.values}
        here = [(row.letter, row.user or row.team) for row in rows]
        for letter, one in here:
            if one:
                held[letter].append(Holder.word(one))
        first = next(iter(held[Letter.ACCOUNTABLE]), "")
        kwargs.setdefault("initial", {**held, "accountable": first})
        super().__init__(*args, **kwargs)
        self._offered = _offered([one.pk for _, one in here if isinstance(one, User)])
        for name in self.fields:
            empty = [("", "Choose one")] if name == "accountable" else []
            self.fields[name].choices = empty + self._groups()  # type: ignore[attr-defined]

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

    def _groups(self) -> list[tuple[str, Any]]:
        people, teams = [], []
        for word, one in self._offered.items():
            if isinstance(one, Team):
                teams.append((word, one.name))
            else:
                people.append((word, one.name if one.is_active else f"{one.name} (not active)"))
        return [("Teams", teams), ("People", people)]


class CompanyForm(forms.Form):
    name = CleanText(max_length=SHORT)
    zone = ZoneField(help_text="Calendars and people keep zones of their own.")
    fallback_owner = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label="Nobody named",
        help_text="Gets what nobody else can be given. Without one it is a manager who is present.",
        error_messages={"invalid_choice": _UNKNOWN},
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        now = {name: getattr(company, name) for name in self.base_fields}
        kwargs.setdefault("initial", now)
        super().__init__(*args, **kwargs)
        here = User.objects.filter(pk=company.fallback_owner_id)
        people = (User.objects.active() | here).order_by("name", "pk")
        self.fields["fallback_owner"].queryset = people  # type: ignore[attr-defined]
        if company.zone not in dict(zones()):
            self.fields["zone"].choices = [(company.zone, company.zone), *zones()]  # type: ignore[attr-defined]


def _offered(holding: list[int]) -> dict[str, User | Team]:
    """Every team and active person, and who holds a letter as it is, by their word."""
    people = User.objects.active() | User.objects.filter(pk__in=holding)
    found = [*Team.objects.order_by("name", "pk"), *people.order_by("name", "pk")]
    return {Holder.word(one): one for one in found}
