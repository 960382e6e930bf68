"""What is asked when a connection is set up, changed, given a secret, or stopped."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from connectors import registry
from connectors.base import Option
from connectors.connections import Settings
from connectors.models import Connection, Secret
from meshline.people.models import User
from meshline.web.forms import SHORT, CleanText, reason_field
from proposals.tiers import Tier

PURPOSES = (Secret.Purpose.SIGNING.value, Secret.Purpose.CREDENTIAL.value)
_TYPED = ("slug", "name", "system", "base_url", "tier", "owner", "expected_every", "allow_loopback")


_OPTION = "option_"


def _option_field(option: Option) -> forms.Field:
    if option.choices:
        choices = [(one, one) for one in option.choices]
        return forms.ChoiceField(label=option.label, help_text=option.help, choices=choices)
    return CleanText(label=option.label, help_text=option.help, max_length=SHORT, required=False)


def _secret_field(label: str, help_text: str = "") -> forms.CharField:
    """Goes in and never comes out again, not even into the page that says what was wrong."""
    quiet = {"autocomplete": "off", "spellcheck": "false"}
    widget = forms.PasswordInput(render_value=False, attrs=quiet)
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=1000, widget=widget
    )


class ConnectionForm(forms.Form):
    name = CleanText(max_length=SHORT, help_text="What people call it, such as PandaDoc Europe.")
    slug = CleanText(
        label="Short name",
        max_length=60,
        help_text="For addresses and the operating model file: small letters, digits, hyphens. "
        "It stays.",
    )
    system = forms.ChoiceField(choices=registry.choices, help_text="It stays, too.")
    base_url = CleanText(
        label="Base URL",
        max_length=300,
        required=False,
        help_text="Empty: the system's own address. https only.",
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://"}),
    )
    tier = forms.ChoiceField(
        label="Latency tier",
        choices=Tier.choices,
        initial=Tier.MINUTES.value,
        help_text="How fast what comes from here must be acted on: seconds within a minute, "
        "minutes within five, hours within four working hours.",
    )
    owner = forms.ModelChoiceField(
        User.objects.active().order_by("name"), required=False, empty_label="Nobody in particular",
        help_text="Who is asked when something is wrong with it.",
    )  # fmt: skip
    expected_every = forms.IntegerField(
        label="An event is expected every (minutes)",
        min_value=1,
        max_value=525_600,
        required=False,
        help_text="Longer silence is marked on the list. Empty: nothing is expected.",
    )
    allow_loopback = forms.BooleanField(
        label="Allow addresses on this machine",
        required=False,
        help_text="Only for the demo's stand-ins and for trying things out: then plain http to "
        "127.0.0.1 is allowed as well. A real system is never here.",
    )
    signing = _secret_field(
        "Signing secret",
        "What they sign with: PandaDoc's shared key, or whsec_… of another sender.",
    )
    credential = _secret_field(
        "Credential", "What they know us by: an API key or token. Not for those that only send."
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, connection: Connection | None = None,
        entered: Mapping[str, str] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        """`entered` says how long ago each secret was, in words."""
        if connection is not None:
            typed = {name: getattr(connection, name) for name in _TYPED}
            kwargs.setdefault("initial", {**typed, "version": connection.version})
        super().__init__(*args, **kwargs)
        if connection is not None:
            self.fields["owner"].queryset = owners(connection)  # type: ignore[attr-defined]
            self._ask_options(connection)
            # What is disabled counts as it stands, whatever is sent.
            self.fields["slug"].disabled = self.fields["system"].disabled = True
        for purpose, ago in (entered or {}).items():
            self.fields[purpose].help_text = f"Entered {ago}. Leave it empty to keep it."

    def _ask_options(self, connection: Connection) -> None:
        """A field for each thing its system wants to know; a new connection has no system yet."""
        system = registry.system(connection.system)
        for option in system.options:
            self.fields[f"{_OPTION}{option.name}"] = _option_field(option)
        told = system.told(connection.options).items()
        self.initial.update({f"{_OPTION}{name}": value for name, value in told})

    @property
    def option_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(_OPTION)]

    @property
    def settings(self) -> Settings:
        options = {
            name.removeprefix(_OPTION): value
            for name, value in self.cleaned_data.items()
            if name.startswith(_OPTION)
        }
        return Settings(**{name: self.cleaned_data[name] for name in _TYPED}, options=options)

    @property
    def secrets(self) -> dict[str, str]:
        return {purpose: self.cleaned_data.get(purpose, "") for purpose in PURPOSES}

    @property
    def has_typed_secrets(self) -> bool:
        """Whether secrets were typed that have to be typed again."""
        return self.is_bound and any(self.data.get(purpose) for purpose in PURPOSES)


class AgreedForm(forms.Form):
    """What is agreed about a connection: who is asked, how fast, and how often it speaks."""

    owner = forms.ModelChoiceField(
        User.objects.none(), required=False, empty_label="Nobody in particular",
        help_text="Who is asked when something is wrong with it.",
        error_messages={"invalid_choice": "Choose somebody from the list."},
    )  # fmt: skip
    tier = forms.ChoiceField(
        label="Latency tier",
        choices=Tier.choices,
        help_text="How fast what comes from here must be acted on.",
    )
    expected_every = forms.IntegerField(
        label="An event is expected every (minutes)",
        min_value=1,
        max_value=525_600,
        required=False,
        help_text="Longer silence is marked. Empty: nothing is expected.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        names = ("owner", "tier", "expected_every", "version")
        kwargs.setdefault("initial", {name: getattr(connection, name) for name in names})
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners(connection)  # type: ignore[attr-defined]


class PartForm(forms.Form):
    """Which connection plays a part."""

    connection = forms.ChoiceField(
        required=False,
        help_text="What was promised while nothing played it goes there; what waits for the one "
        "before stays with that one.",
        error_messages={"invalid_choice": "Choose a connection from the list."},
    )

    def __init__(
        self, *args: Any, now: str, fitting: Iterable[Connection], **kwargs: Any
    ) -> None:  # fmt: skip
        kwargs.setdefault("initial", {"connection": now})
        super().__init__(*args, **kwargs)
        known = [(one.slug, f"{one.name} ({one.slug})") for one in fitting]
        # Who plays it although it cannot is kept in sight, and refused with the reason.
        extra = [] if not now or now in dict(known) else [(now, now)]
        self.fields["connection"].choices = [("", "Nothing"), *extra, *known]  # type: ignore[attr-defined]


def owners(connection: Connection) -> QuerySet:
    """Who may own it: the active, and whoever does now."""
    here = User.objects.filter(pk=connection.owner_id)
    return (User.objects.active() | here).order_by("name", "pk")


class SecretForm(forms.Form):
    """One secret, on the connection's page."""

    purpose = forms.ChoiceField(choices=Secret.Purpose.choices, widget=forms.HiddenInput)
    secret = _secret_field("Secret")

    def __init__(self, *args: Any, label: str = "Secret", help_text: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        field = self.fields["secret"]
        field.label, field.help_text, field.required = label, help_text, True


class StatusForm(forms.Form):
    """Pausing, disabling and letting run again; the reason is asked where something stops."""

    status = forms.ChoiceField(choices=Connection.Status.choices)
    reason = reason_field(required=False)


class BackfillForm(forms.Form):
    """From which day on a connection is looked through again."""

    since = forms.DateField(
        label="Since",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="From the beginning of that day on. What was told already is not told again.",
        error_messages={"invalid": "Write a day, such as 2026-03-02."},
    )

    @property
    def begins(self) -> datetime:
        """The beginning of the day where the person is."""
        return timezone.make_aware(datetime.combine(self.cleaned_data["since"], time()))
