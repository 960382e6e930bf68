"""What is asked when people sign in, are invited or are changed."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.forms import AuthenticationForm
from django.db.models import Q

from meshline.people import tokens
from meshline.people.models import Team, User, UserQuerySet
from meshline.people.permissions import Role
from meshline.web.forms import SHORT, CleanText

# Places people live in; the rest of the database is aliases and offsets.
_REGIONS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def zones() -> list[tuple[str, str]]:
    """Every zone a person can be in, by its name."""
    places = sorted(name for name in available_timezones() if name.split("/")[0] in _REGIONS)
    return [(name, name.replace("_", " ")) for name in ["UTC", *places]]


class SignInForm(AuthenticationForm):
    error_messages = {  # noqa: RUF012 - as its base declares it
        "invalid_login": "This e-mail and password do not go together, or the person is no longer "
        "active here. Check both; an admin can send a new invitation.",
        "inactive": "This person is no longer active here; an admin can change that.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True}
        )


class PasswordForm(forms.Form):
    """Choosing a password, once, to the rules of the house."""

    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=200,
        help_text="At least 12 characters. A few words you can remember are best.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        password_validation.validate_password(password, self.user)
        return password


class ChangePasswordForm(PasswordForm):
    """One's own new password, for the one that is known."""

    current = forms.CharField(
        label="Current password",
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    again = forms.CharField(
        label="New password again",
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    field_order = ("current", "password", "again")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "New password"

    def clean_current(self) -> str:
        if not self.user.check_password(self.cleaned_data["current"]):
            raise forms.ValidationError("This is not your current password.")
        return self.cleaned_data["current"]

    def clean(self) -> None:
        asked = self.cleaned_data
        if {"password", "again"} <= asked.keys() and asked["password"] != asked["again"]:
            self.add_error("again", "The two new passwords are not the same.")


class ZoneField(forms.ChoiceField):
    """A zone from the list, or one that is known though not listed (an alias somebody kept)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(label="Time zone", choices=zones, **options)

    def valid_value(self, value: Any) -> bool:
        return value in available_timezones()


class ProfileForm(forms.Form):
    name = CleanText(max_length=SHORT)
    zone = ZoneField(help_text="All times are shown to you in this zone.")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"name": user.name, "zone": user.zone})
        super().__init__(*args, **kwargs)
        _offer_zone(self, user.zone)


class InviteForm(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=254)
    name = CleanText(max_length=SHORT, required=False, help_text="Taken from the e-mail if empty.")
    role = forms.ChoiceField(choices=Role.choices())
    team = forms.ModelChoiceField(Team.objects.order_by("name"), required=False)


class PersonForm(forms.Form):
    """An admin's view of a person."""

    name = CleanText(max_length=SHORT)
    role = forms.ChoiceField(choices=Role.choices())
    team = forms.ModelChoiceField(Team.objects.order_by("name"), required=False)
    zone = ZoneField()
    approves_model = forms.BooleanField(label="May approve the operating model", required=False)
    is_active = forms.BooleanField(
        label="Active",
        required=False,
        help_text="Taking this away signs the person out everywhere at once.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        now = {name: getattr(user, name) for name in self.base_fields}
        kwargs.setdefault("initial", now)
        super().__init__(*args, **kwargs)
        _offer_zone(self, user.zone)

    @property
    def mark(self) -> str:
        """What somebody was asked about: leaving, or another role."""
        return f"{self.cleaned_data['role']}:{self.cleaned_data['is_active']}"


class TokenForm(forms.Form):
    name = CleanText(
        label="What it is for", max_length=tokens.NAME_LENGTH, help_text="Such as: nightly export."
    )
    days = forms.IntegerField(
        label="Days it lasts", min_value=1, max_value=tokens.MOST_DAYS, initial=tokens.DAYS
    )


class PeopleFilter(forms.Form):
    """Narrowing the list; what is not valid narrows nothing."""

    q = CleanText(label="Name or e-mail", max_length=SHORT, required=False)
    role = forms.ChoiceField(choices=[("", "Any role"), *Role.choices()], required=False)
    team = forms.ModelChoiceField(
        Team.objects.order_by("name"), required=False, empty_label="Any team"
    )
    state = forms.ChoiceField(
        choices=[("", "Active"), ("inactive", "Inactive"), ("all", "Everybody")], required=False
    )

    def narrow(self, people: UserQuerySet) -> UserQuerySet:
        self.is_valid()
        asked = self.cleaned_data
        if words := asked.get("q"):
            people = people.filter(Q(name__icontains=words) | Q(email__icontains=words))
        if asked.get("role"):
            people = people.in_role(asked["role"])
        if asked.get("team"):
            people = people.filter(team=asked["team"])
        if asked.get("state") == "all":
            return people
        return people.filter(is_active=asked.get("state") != "inactive")


def _offer_zone(form: forms.Form, zone: str) -> None:
    """List a person's present zone as well, so that saving the form does not move them."""
    field = form.fields["zone"]
    if isinstance(field, ZoneField) and zone not in dict(zones()):
        field.choices = [(zone, zone), *zones()]
