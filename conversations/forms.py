"""What people send, made safe to use. Django's forms validate JSON bodies too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.cleaning import clean
from conversations.models import TITLE_MAX_LENGTH, Persona, SavedPrompt
from conversations.services import Wanted, Wish
from conversations.types import new_id

FIRST_YEAR = 1970


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
    """`same` asks whoever wrote the answer, whatever is chosen in the composer."""

    message_id = forms.CharField(max_length=64)
    same = forms.BooleanField(required=False)


class EditForm(MessageForm):
    message_id = forms.CharField(max_length=64)


class MemoryForm(forms.Form):
    """For whom the memory is asked: the chosen model, and the message that the page ends with."""

    model = forms.IntegerField(required=False, min_value=1)
    leaf = forms.CharField(required=False, max_length=64)


class SearchForm(forms.Form):
    """What is looked for, by GET. What makes no sense in an address is left out, not complained of."""

    q = forms.CharField(required=False)
    model = forms.IntegerField(required=False, min_value=1, max_value=10**15)
    folder = forms.IntegerField(required=False, min_value=1, max_value=10**15)
    chat = forms.UUIDField(required=False)
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)

    def wanted(self) -> Wanted:
        """Days are those of the site's time zone; the last one counts in whole."""
        self.is_valid()
        data = self.cleaned_data
        until = data.get("until")
        return Wanted(
            text=clean(data.get("q", "")),
            model=data.get("model"),
            folder=data.get("folder"),
            chat=data.get("chat"),
            since=_midnight(data.get("since")),
            until=_midnight(until + timedelta(days=1) if until and until < date.max else None),
        )


def _midnight(day: date | None) -> datetime | None:
    """When the day begins here; None for days before any clock."""
    if day is None or day.year < FIRST_YEAR:
        return None
    return timezone.make_aware(datetime.combine(day, time.min))


class RenameForm(forms.Form):
    title = forms.CharField(max_length=TITLE_MAX_LENGTH, required=False, strip=True)


class PersonaForm(forms.ModelForm):
    class Meta:
        model = Persona
        fields = ("name", "description", "prompt")


class SavedPromptForm(forms.ModelForm):
    """The name may be written as one likes: services/library.py makes it one that can be typed after a slash."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("Typed after a slash in a message: /name."),
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )

    class Meta:
        model = SavedPrompt
        fields = ("name", "text")

    @property
    def said(self) -> dict[str, str]:
        return {"name": self.cleaned_data["name"], "text": self.cleaned_data["text"]}

    def _post_clean(self) -> None:
        """The service judges and saves; the instance stays as it is until then."""


OPTION = "option-"  # before the name of a setting: a backend may call its own like a field of the composer
TEMPORARY = "temporary"  # beside a first message, or in an address: the chat is stored nowhere
PERSONALITY, PROMPT, RESET, EVERYTHING = "personality", "system_prompt", "reset", "all"


def wish_fields(data: QueryDict) -> list[tuple[str, str]]:
    """What a form says of settings and personality, as it came, to stand in the next form."""
    names = [name for name in data if name.startswith(OPTION) or name in (PERSONALITY, PROMPT)]
    return [(name, data[name]) for name in names]


def wish_of(fields: Iterable[tuple[str, str]], reset: Iterable[str] = ()) -> Wish:
    """`reset` has the names of settings, PERSONALITY, or EVERYTHING: they go back to what they are by default."""
    said, reset = dict(fields), set(reset)
    is_reset = EVERYTHING in reset
    options = {
        name: None if is_reset or name in reset else said[f"{OPTION}{name}"]
        for name in (field.removeprefix(OPTION) for field in said if field.startswith(OPTION))
    }
    if is_reset or PERSONALITY in reset:
        return Wish(options, "")
    return Wish(options, said.get(PERSONALITY), said.get(PROMPT, ""))
