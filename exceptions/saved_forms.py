"""What is asked when a view of the queue is saved."""

from django import forms

from meshline.web.forms import CleanText


class SaveViewForm(forms.Form):
    name = CleanText(
        max_length=40,
        error_messages={"required": "A view needs a name.", "max_length": "At most 40 letters."},
    )
    is_shared = forms.BooleanField(label="Share it with everybody", required=False)
    begins = forms.BooleanField(label="Open the queue with it", required=False)
    # How long it may be is said where it is kept: nobody sees this field.
    words = forms.CharField(widget=forms.HiddenInput)
