"""What is wrong with one that was drawn."""

from django import forms

from meshline.web.forms import CleanText


class WrongForm(forms.Form):
    what = CleanText(
        max_length=1000, label="What is wrong", widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The field, and what it is over there.",
    )  # fmt: skip
