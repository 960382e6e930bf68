"""What is put into the test box."""

from django import forms

from connectors import registry
from connectors.models import Connection
from meshline.web.forms import CleanText

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
