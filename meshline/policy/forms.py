"""What is asked when a business calendar is made or changed."""

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.urls import reverse_lazy

from meshline.people.forms import zones
from meshline.people.models import Team
from meshline.policy import public_holidays, windows
from meshline.policy.models import BusinessCalendar
from meshline.policy.operating_model import Calendar
from meshline.policy.windows import DAYS, WindowError
from meshline.web.forms import SHORT, CleanText

_LONGEST_DAY = 400
_FIRST, _LAST = public_holidays.FIRST_YEAR, public_holidays.LAST_YEAR


def _day_field(name: str) -> CleanText:
    return CleanText(
        label=name.capitalize(),
        max_length=_LONGEST_DAY,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Free", "autocomplete": "off"}),
        error_messages={"max_length": f"At most {windows.MOST_A_DAY} windows a day."},
    )


class CalendarForm(forms.Form):
    """A calendar as a manager types it; `calendar` is what the verb takes of it."""

    name = CleanText(max_length=SHORT, help_text="What people call it, such as Lisbon sales.")
    slug = forms.SlugField(
        label="Short name",
        max_length=60,
        help_text="For the operating model file: letters, digits, hyphens. It stays.",
    )
    zone = forms.ChoiceField(label="Time zone", help_text="The windows are local times there.")
    team = forms.ModelChoiceField(
        Team.objects.order_by("name"), required=False, empty_label="No team in particular",
        help_text="Whose deadlines run in these hours.",
    )  # fmt: skip
    is_default = forms.BooleanField(
        label="The company's default",
        required=False,
        help_text="For every team without a calendar of its own. The present default gives way.",
    )
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = map(_day_field, DAYS)
    country = forms.ChoiceField(
        label="Public holidays of",
        required=False,
        help_text="They are days off by themselves.",
        # Another country has other regions; without htmx the field takes any text just as well.
        widget=forms.Select(
            attrs={
                "hx-get": reverse_lazy("policy:regions"),
                "hx-target": "#regions-known",
                "hx-swap": "outerHTML",
            }
        ),
    )
    region = CleanText(
        max_length=60,
        required=False,
        help_text="By its code or name, for holidays that only some regions have.",
        widget=forms.TextInput(attrs={"list": "regions", "autocomplete": "off"}),
    )
    days_off = CleanText(
        label="Own days off",
        max_length=100_000,
        required=False,
        help_text="One a line: the day and its name, such as 2026-12-24 Christmas Eve.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "mono"}),
    )
    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, found: BusinessCalendar | None = None, **kwargs: Any) -> None:
        self.found = found
        if found is not None:
            kwargs.setdefault("initial", typed(found))
        super().__init__(*args, **kwargs)
        _offer(self, "zone", zones())
        _offer(self, "country", [("", "No country"), *public_holidays.countries().items()])
        if found is not None:
            # It stays; and one that came by file need not be a slug.
            del self.fields["slug"]

    def clean_zone(self) -> str:
        if self.cleaned_data["zone"] not in available_timezones():
            raise forms.ValidationError("There is no such time zone; choose one of the list.")
        return self.cleaned_data["zone"]

    def clean_country(self) -> str:
        country = self.cleaned_data["country"]
        if country and not public_holidays.is_known(country):
            raise forms.ValidationError("There is no such country; choose one of the list.")
        return country

    def clean_days_off(self) -> dict[date, str]:
        return dict(_days(self.cleaned_data["days_off"]))

    def clean(self) -> None:
        self._clean_windows()
        self._clean_region()

    def _clean_windows(self) -> None:
        found: list[windows.Window] = []
        for weekday, name in enumerate(DAYS):
            try:
                found += windows.read(weekday, self.cleaned_data.get(name, ""))
            except WindowError as error:
                self.add_error(name, str(error))
        if not found and not self.errors.keys() & DAYS:
            self.add_error(DAYS[0], "A calendar needs at least one working window.")
        self.cleaned_data["windows"] = found

    def _clean_region(self) -> None:
        country, words = self.cleaned_data.get("country"), self.cleaned_data.get("region")
        if not words or country is None:
            return
        code = public_holidays.region_code(country, words)
        if code:
            self.cleaned_data["region"] = code
        elif not country:
            self.add_error("region", "Choose the country first; the region is one of its own.")
        else:
            self.add_error("region", f"{_quoted(words)} {_no_region(country)}")

    @property
    def days(self) -> Iterator[forms.BoundField]:
        """The weekdays' fields, for the page."""
        return (self[name] for name in DAYS)

    @property
    def regions(self) -> dict[str, str]:
        """What may be typed as the region of the country that is chosen now."""
        return dict(public_holidays.regions(self["country"].value() or ""))

    @property
    def version_seen(self) -> int:
        """The one that was seen: 0 for a new calendar, and none at all where it was not sent."""
        return 0 if self.found is None else self.cleaned_data["version"] or -1

    @property
    def mark(self) -> str:
        """What a preview was about: saving anything else previews it first."""
        one = self.calendar
        said = (
            one.slug, one.name, one.zone, sorted(one.windows), sorted(one.holidays.items()),
            one.team and one.team.pk, one.is_default, one.country, one.region,
        )  # fmt: skip
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]

    @property
    def calendar(self) -> Calendar:
        asked = self.cleaned_data
        return Calendar(
            slug=self.found.slug if self.found else asked["slug"], name=asked["name"],
            zone=asked["zone"], windows=asked["windows"], holidays=asked["days_off"],
            team=asked["team"], is_default=asked["is_default"],
            country=asked["country"], region=asked["region"],
        )  # fmt: skip


def typed(found: BusinessCalendar) -> dict[str, Any]:
    """A calendar's row as it stands in the form."""
    own = sorted((holiday.day, holiday.name) for holiday in found.holidays.all())
    facts = ("name", "slug", "zone", "team", "is_default", "country", "region", "version")
    return {
        **{name: getattr(found, name) for name in facts},
        **{name: windows.write(found.windows, day) for day, name in enumerate(DAYS)},
        "days_off": "\n".join(f"{day.isoformat()} {name}" for day, name in own),
    }


def _offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    """The list, and what is there or was sent as well: it is kept in sight, and then refused."""
    present = form[name].value() or ""
    extra = [] if present in dict(choices) else [(present, present)]
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [*extra, *choices]


def _days(text: str) -> Iterator[tuple[date, str]]:
    """Days and names, line by line; a wrong line is named by its number."""
    seen: set[date] = set()
    wrong = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        words, _, name = line.strip().partition(" ")
        try:
            day = _day(words.rstrip(":"))
            if day in seen:
                raise forms.ValidationError(f"{day} is there twice.")
            seen.add(day)
            yield day, _day_name(name.strip())
        except forms.ValidationError as error:
            wrong.append(f"Line {number}: {error.message}")
    if wrong:
        raise forms.ValidationError(wrong[:10])


def _day(words: str) -> date:
    try:
        day = date.fromisoformat(words)
    except ValueError:
        day = None
    # "20261224" is an ISO date as well, and a mistake as likely as not.
    if day is None or day.isoformat() != words:
        raise forms.ValidationError(f"{_quoted(words)} is no day; write one like 2026-12-24.")
    if not _FIRST <= day.year <= _LAST:
        raise forms.ValidationError(f"{day} is not between {_FIRST} and {_LAST}.")
    return day


def _day_name(name: str) -> str:
    if not name:
        raise forms.ValidationError("Write the day's name behind it.")
    if len(name) > SHORT or not name.isprintable():
        raise forms.ValidationError(f"A name has at most {SHORT} printable characters.")
    return name


def _no_region(country: str) -> str:
    name, known = public_holidays.name_of(country), public_holidays.regions(country)
    if not known:
        return f"is no region of {name}; none of its regions has holidays of its own."
    return f"is no region of {name}; write one of {', '.join(known)}."


def _quoted(words: str) -> str:
    return f"“{words}”" if len(words) <= 40 else f"“{words[:40]}…”"
