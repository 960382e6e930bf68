"""What is asked when a team is made or changed."""

from typing import Any

from django import forms

from meshline.people.models import Team, User
from meshline.web.forms import SHORT, CleanText


class TeamForm(forms.Form):
    name = CleanText(max_length=SHORT, help_text="What people call it, such as Revenue Operations.")
    slug = forms.SlugField(
        label="Short name",
        max_length=60,
        help_text="For the operating model file: small letters, digits, hyphens. It stays.",
    )
    lead = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label="Nobody",
        help_text="Gets the team's work where nobody is on call.",
        error_messages={"invalid_choice": "Choose somebody of the list."},
    )

    def __init__(self, *args: Any, team: Team | None = None, **kwargs: Any) -> None:
        if team is not None:
            kwargs.setdefault("initial", {"name": team.name, "lead": team.lead_id})
        super().__init__(*args, **kwargs)
        here = User.objects.filter(pk=team.lead_id if team else None)
        field: Any = self.fields["lead"]
        field.queryset = (User.objects.active() | here).order_by("name", "pk")
        if team is not None:
            # It stays: the file knows the team by it.
            del self.fields["slug"]
