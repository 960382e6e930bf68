"""What is asked of a person about how they want to be told."""

from collections.abc import Iterator
from typing import Any

from django import forms

from meshline.notices import kinds, preferences, quiet
from meshline.notices.choosing import Choice
from meshline.notices.kinds import CHANNELS, NO_DIGEST, Kind
from meshline.notices.models import Preferences
from meshline.notices.quiet import DAYS, QuietError, Span
from meshline.people.models import User
from meshline.web.forms import CleanText

_HOURS = [f"{hour:02}:00" for hour in range(24)]


class TimeOfDay(CleanText):
    """A wall time; empty where there is none."""

    def __init__(self, label: str) -> None:
        widget = forms.TextInput(
            attrs={"inputmode": "numeric", "placeholder": "–", "autocomplete": "off", "size": 5}
        )
        super().__init__(label=label, max_length=20, required=False, widget=widget)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        try:
            return quiet.read(text) if text else ""
        except QuietError as error:
            raise forms.ValidationError(str(error)) from None


class PreferencesForm(forms.Form):
    """Channels by kind of event, quiet hours by weekday, the digest; `choice` is what was asked."""

    critical_breaks_through = forms.BooleanField(
        label="What is critical may come through all the same", required=False,
        help_text="Tickets of the highest severity, and deadlines far exceeded.",
    )  # fmt: skip
    digest_at = forms.ChoiceField(label="Daily digest", required=False)
    slack_id = CleanText(
        label="Slack member id", max_length=40, required=False,
        help_text="If Slack has another e-mail for you: in your Slack profile, Copy member ID.",
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, own: Preferences, **kwargs: Any) -> None:
        self.kinds = kinds.offered(user.role)
        kwargs.setdefault("initial", _initial(own, user, self.kinds))
        super().__init__(*args, **kwargs)
        for kind in self.kinds:
            self.fields[f"to_{kind.name}"] = forms.MultipleChoiceField(
                label=kind.label, choices=list(CHANNELS.items()), required=False,
                widget=forms.CheckboxSelectMultiple,
            )  # fmt: skip
        for day in DAYS:
            self.fields[f"{day}_from"] = TimeOfDay(f"{day.capitalize()}, from")
            self.fields[f"{day}_until"] = TimeOfDay(f"{day.capitalize()}, until")
        digest: Any = self.fields["digest_at"]
        digest.choices = [*_digest_choices(user, own)]

    def clean(self) -> None:
        for day in DAYS:
            starts, ends = (self.cleaned_data.get(f"{day}_{end}") for end in ("from", "until"))
            if (starts == "") != (ends == ""):
                missing = "until" if starts else "from"
                self.add_error(f"{day}_{missing}", "Say both when it begins and when it ends.")

    @property
    def choice(self) -> Choice:
        asked = self.cleaned_data
        return Choice(
            channels={kind.name: asked[f"to_{kind.name}"] for kind in self.kinds},
            quiet=list(self._spans()),
            critical_breaks_through=asked["critical_breaks_through"],
            digest_at=asked["digest_at"],
            slack_id=asked["slack_id"].upper(),
        )

    def _spans(self) -> Iterator[Span]:
        for number, day in enumerate(DAYS):
            if starts := self.cleaned_data[f"{day}_from"]:
                yield number, starts, self.cleaned_data[f"{day}_until"]

    @property
    def rows(self) -> list[tuple[Kind, Any]]:
        """Each kind with its boxes, one per channel, for the table."""
        return [(kind, self[f"to_{kind.name}"]) for kind in self.kinds]

    @property
    def days(self) -> list[tuple[str, Any, Any]]:
        return [(day.capitalize(), self[f"{day}_from"], self[f"{day}_until"]) for day in DAYS]


def _initial(own: Preferences, user: User, offered: list[Kind]) -> dict[str, Any]:
    wanted = {
        f"to_{kind.name}": sorted(preferences.wanted(own, kind.name, user.role)) for kind in offered
    }
    spans: dict[str, str] = {}
    for day, starts, ends in own.quiet:
        spans |= {f"{DAYS[day]}_from": starts, f"{DAYS[day]}_until": ends}
    return {
        **wanted, **spans,
        "critical_breaks_through": own.critical_breaks_through,
        "digest_at": own.digest_at, "slack_id": own.slack_id,
    }  # fmt: skip


def _digest_choices(user: User, own: Preferences) -> Iterator[tuple[str, str]]:
    usual = kinds.DIGEST_AT.get(user.role, NO_DIGEST)
    yield "", f"As usual: {_at(usual)}"
    yield NO_DIGEST, "Never"
    for hour in sorted({*_HOURS, *([own.digest_at] if ":" in own.digest_at else [])}):
        yield hour, f"At {hour}"


def _at(usual: str) -> str:
    return "never" if usual == NO_DIGEST else f"at {usual}"
