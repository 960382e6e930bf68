"""How forms look and what they let in: every `{{ form }}` comes out in our look by itself."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting

from meshline.sentences import says_something

SHORT, LINE, TEXT = 120, 300, 4000


class Renderer(TemplatesSetting):
    """Labels above, help and errors tied to their field for who cannot see them side by side."""

    form_template_name = "web/forms/form.html"
    field_template_name = "web/forms/field.html"


class CleanText(forms.CharField):
    """Text as people type it: trimmed, line ends made one, of bounded length; empty where nothing
    of it is seen.

    The NUL character, which PostgreSQL cannot store, is refused by CharField itself.
    """

    def __init__(self, *, max_length: int = LINE, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def to_python(self, value: Any) -> str:
        text = super().to_python(_one_kind_of_line_end(value)) or ""
        # What is refused, with its sentence, by the validators behind this is left as it is.
        return text if "\0" in text or says_something(text) else ""


class LocalMoment(forms.DateTimeField):
    """A day and time typed in the person's own zone, to the minute; it comes out in UTC."""

    default_error_messages = {  # noqa: RUF012 - as its base declares it
        "invalid": "Write a day and a time, such as 2026-03-02 09:00.",
        "far": "Write a day between 2000 and 2100.",
    }

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, **options)

    def to_python(self, value: Any) -> datetime | None:
        typed = super().to_python(value)
        if typed is None:
            return None
        if not 2000 <= typed.year <= 2100:
            raise forms.ValidationError(self.error_messages["far"], code="far")
        return typed.astimezone(UTC)


def reason_field(*, label: str = "Reason", help_text: str = "", required: bool = True) -> CleanText:
    """The typed reason that some acts ask for; it stands on the trail."""
    area = forms.Textarea(attrs={"rows": 2})
    return CleanText(
        label=label, help_text=help_text, required=required, max_length=TEXT, widget=area
    )


def _one_kind_of_line_end(value: Any) -> Any:
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value
