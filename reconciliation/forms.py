"""What is put into the test box, and what is asked where a difference is accepted or edited."""

from django import forms

from connectors import registry
from connectors.models import Connection
from exceptions.days import DayField
from meshline.web.forms import CleanText
from reconciliation import values
from reconciliation.kinds import Field

LONGEST_PAYLOAD = 1024 * 1024


class PayloadForm(forms.Form):
    """A payload as a vendor would send it, and the connection it would come from."""

    connection = forms.ModelChoiceField(
        Connection.objects.none(), empty_label="Choose a connection", to_field_name="slug",
        error_messages={"invalid_choice": "Choose a connection from the list."},
    )  # fmt: skip
    payload = CleanText(
        max_length=LONGEST_PAYLOAD, widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="JSON, as the vendor posts it. It is read and put to the rules; nothing is kept.",
    )  # fmt: skip

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        senders = [one.slug for one in registry.SYSTEMS.values() if one.emitter]
        found = Connection.objects.filter(system__in=senders).order_by("name", "pk")
        self.fields["connection"].queryset = found  # type: ignore[attr-defined]


class AcceptForm(forms.Form):
    """Why a difference may stay as it is, and until when."""

    reason = CleanText(max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    until = DayField(
        help_text="The last day of it, at most 366 days from now; after that it is open again."
    )


class EditForm(forms.Form):
    """Another value of a field, as it is said here from now on."""

    value = CleanText(label="Value", max_length=300)

    def __init__(self, field: Field | None, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if field is not None and field.agreed:
            self.fields["value"].label = field.label[:1].upper() + field.label[1:]
            self.fields["value"].help_text = values.hint(field)
