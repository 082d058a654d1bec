"""What people send, made safe to use. Django's forms validate JSON bodies too."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _

from conversations.models import TITLE_MAX_LENGTH
from conversations.types import new_id


class Numbers(forms.Field):
    """Any number of whole numbers, each a value of its own."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: list[str] | None) -> list[int]:
        try:
            return [int(text) for text in value or ()]
        except ValueError:
            raise forms.ValidationError(_("Choose the models from the list.")) from None


class MessageForm(forms.Form):
    """`content` passes as it is: the guards judge it, and its text must survive every refusal.

    `models` are those that are compared; without them `model` is asked alone.
    """

    content = forms.CharField(required=False, strip=False)
    parent_id = forms.CharField(required=False, max_length=64)
    key = forms.CharField(required=False, max_length=64, min_length=8)
    model = forms.IntegerField(required=False, min_value=1)
    models = Numbers(required=False)

    def clean_key(self) -> str:
        return self.cleaned_data["key"] or new_id()


class RetryForm(MessageForm):
    message_id = forms.CharField(max_length=64)


class RenameForm(forms.Form):
    title = forms.CharField(max_length=TITLE_MAX_LENGTH, required=False, strip=True)
