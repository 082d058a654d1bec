"""What people send, made safe to use. Django's forms validate JSON bodies too."""

from __future__ import annotations

from django import forms

from conversations.models import TITLE_MAX_LENGTH
from conversations.types import new_id


class MessageForm(forms.Form):
    """`content` passes as it is: the guards judge it, and its text must survive every refusal."""

    content = forms.CharField(required=False, strip=False)
    parent_id = forms.CharField(required=False, max_length=64)
    key = forms.CharField(required=False, max_length=64, min_length=8)
    model = forms.IntegerField(required=False, min_value=1)

    def clean_key(self) -> str:
        return self.cleaned_data["key"] or new_id()


class RetryForm(MessageForm):
    message_id = forms.CharField(max_length=64)


class RenameForm(forms.Form):
    title = forms.CharField(max_length=TITLE_MAX_LENGTH, required=False, strip=True)
