"""What is asked for when a chat is shared, and at a link that has a password."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from chatsite.sharing.links import LEAST_PASSWORD, MOST_PASSWORD

NEVER = ""
DAYS = [
    ("1", _("1 day")),
    ("7", _("7 days")),
    ("30", _("30 days")),
    ("365", _("1 year")),
    (NEVER, _("Until I revoke it")),
]


class ShareForm(forms.Form):
    days = forms.ChoiceField(label=_("Open for"), choices=DAYS, initial="30", required=False)
    password = forms.CharField(
        label=_("Password (if you want one)"),
        required=False,
        strip=False,
        max_length=MOST_PASSWORD,
        min_length=LEAST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Whoever opens the link is asked for it. Nobody can look it up later, not even you."),
    )

    def clean_days(self) -> int | None:
        return int(self.cleaned_data["days"]) if self.cleaned_data["days"] else None


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=MOST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
