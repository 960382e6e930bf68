"""Forms come out labelled, with help and errors tied to their field; text comes in clean."""

import pytest
from django import forms
from django.core.exceptions import ValidationError

from meshline.web.forms import CleanText, reason_field


class AForm(forms.Form):
    name = CleanText(max_length=10, help_text="As on the document.")
    note = CleanText(required=False)
    agreed = forms.BooleanField(required=False)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


def test_a_field_is_labelled_and_its_help_and_error_belong_to_it():
    html = AForm({"name": ""}).render()
    assert '<label for="id_name">Name</label>' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html


def test_what_need_not_be_filled_in_says_so():
    html = AForm().render()
    assert 'Note <span class="optional">optional</span>' in html
    assert html.count("optional</span>") == 1


def test_hidden_fields_have_no_label():
    assert "Secret" not in AForm().render()


def test_an_error_of_the_whole_form_is_an_alert():
    form = AForm({"name": "x"})
    form.add_error(None, "Somebody was faster.")
    assert 'role="alert"' in form.render()
    assert "Somebody was faster." in form.render()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  a b ", "a b"), ("one\r\ntwo\rthree", "one\ntwo\nthree"), (None, ""),
        ("\u200b \u2060\ufeff", ""), ("\u200ba", "\u200ba"),
    ],
)  # fmt: skip
def test_text_is_trimmed_and_its_line_ends_are_one_kind(typed, kept):
    assert CleanText(required=False).clean(typed) == kept


@pytest.mark.parametrize("typed", ["a\0b", "x" * 301])
def test_text_that_cannot_be_kept_is_refused(typed):
    with pytest.raises(ValidationError):
        CleanText().clean(typed)


def test_line_ends_count_once_towards_the_length():
    assert CleanText(max_length=5).clean("ab\r\ncd") == "ab\ncd"


def test_a_reason_is_asked_for():
    with pytest.raises(ValidationError):
        reason_field().clean("   ")
