"""What a person types when they move a proposal or give it to somebody."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from meshline.people.models import User
from meshline.people.permissions import Permission, Role, Scope, scope
from meshline.web.forms import LINE, CleanText, LocalMoment, reason_field
from proposals.hold_kinds import HoldKind
from proposals.states import State

# The version a person saw; it is never larger than this.
_MOST = 2**31 - 1


class MoveForm(forms.Form):
    """A reason for one move. Whether it is needed, the verb knows."""

    to = forms.ChoiceField(choices=State.choices(), widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)
    reason = reason_field(required=False)


class HoldForm(forms.Form):
    """Why automation stops."""

    kind = forms.ChoiceField(label="Why", choices=HoldKind.choices, initial=HoldKind.MANUAL)
    reason = reason_field(label="In words")


class LiftForm(forms.Form):
    hold = forms.IntegerField(min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)
    reason = reason_field()


class PersonChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {Role(obj.role).label}"


class AssignForm(forms.Form):
    """Whom to give it to, and why."""

    version = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)
    owner = PersonChoice(User.objects.none(), label="New owner", empty_label="Choose somebody")
    reason = reason_field()

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, PersonChoice)
        field.queryset = candidates(by)


class OwnerForm(forms.Form):
    """Whom to give what hangs on a ticket to, and why."""

    owner = PersonChoice(User.objects.none(), label="Owner", empty_label="Choose somebody")
    reason = reason_field()

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, PersonChoice)
        field.queryset = candidates(by)


class KeepForm(forms.Form):
    """Nothing is asked but which version was seen."""

    version = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)


class CompleteForm(forms.Form):
    """That a follow-up is done, and what came of it."""

    version = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)
    note = CleanText(
        label="What came of it", required=False, max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


class RescheduleForm(forms.Form):
    """When a follow-up is due instead, and why."""

    version = forms.IntegerField(min_value=0, max_value=_MOST, widget=forms.HiddenInput)
    due_at = LocalMoment(label="Due", help_text="Within 30 days, in working hours.")
    reason = CleanText(max_length=LINE, widget=forms.Textarea(attrs={"rows": 2}))


class UndoForm(forms.Form):
    version = forms.IntegerField(min_value=0, max_value=_MOST)


def candidates(by: User) -> QuerySet:
    """Whom this person may give a proposal to: the active, in a team's scope the team.

    A viewer can follow nothing up.
    """
    people = User.objects.who_work().order_by("name", "pk")
    if scope(by, Permission.REASSIGN_PROPOSAL) is not Scope.TEAM:
        return people
    return people.filter(Q(team=by.team_id, team__isnull=False) | Q(pk=by.pk))
