"""The forms of the admin's pages beside those that Django makes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatsite.moderation import lines
from chatsite.moderation.models import TermList

MOST_BYTES = 1_000_000
SHOWN = 5  # problems at once


class ImportForm(forms.Form):
    """Lines of text, pasted or in a file. Nothing is taken in while one of them is wrong."""

    text = forms.CharField(
        label=gettext_lazy("Lines"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "vLargeTextField"}),
    )
    file = forms.FileField(label=gettext_lazy("Or a text file"), required=False)
    replaces = forms.BooleanField(
        label=gettext_lazy("Replace the list"),
        required=False,
        help_text=gettext_lazy("Entries that are not among the lines are removed."),
    )

    def __init__(self, terms: TermList, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._terms = terms

    def clean_file(self) -> str:
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than a megabyte. Divide it."))
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError(_("The file is no text in UTF-8. Save it as such.")) from None

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        data["lines"] = lines.read(f"{data.get('text', '')}\n{data.get('file', '')}", self._terms)
        if not data["lines"] and not self.errors:
            raise forms.ValidationError(_("There is no entry in this. Paste some lines, or choose a file."))
        wrong = [line for line in data["lines"] if line.problem]
        for line in wrong[:SHOWN]:
            self.add_error(None, _("Line {number}: {problem}").format(number=line.number, problem=line.problem))
        if len(wrong) > SHOWN:
            self.add_error(None, _("There are {count} more lines like these.").format(count=len(wrong) - SHOWN))
        return data


class TryForm(forms.Form):
    """A text, to see what would become of it."""

    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"}),
    )
    level = forms.ChoiceField(
        label=gettext_lazy("Level of the model"),
        choices=[("standard", gettext_lazy("standard")), ("strict", gettext_lazy("strict"))],
    )
