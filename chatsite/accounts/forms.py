"""The forms of the account pages: allauth's, with labels instead of placeholders and one short help."""

from __future__ import annotations

from typing import Any, ClassVar
from unicodedata import normalize

from allauth.account import forms as base
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.validators import MaxLengthValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from chatsite.accounts.models import User

LONGEST_INPUT = 1000  # characters, where the field itself sets no limit


class PlainFields:
    """Mixed into a form of allauth's: our labels and help, no placeholders, no field without a limit."""

    labels: ClassVar[dict] = {}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.help_text = _("At least 8 characters, and not a common password.") if name == "password1" else ""
            field.label = self.labels.get(name, field.label)
            if getattr(field, "max_length", 0) is None:
                field.validators.append(MaxLengthValidator(LONGEST_INPUT))


class LoginForm(PlainFields, base.LoginForm):
    labels: ClassVar[dict] = {"login": _("E-mail address or user name")}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs.update(autocomplete="username", autocapitalize="none", spellcheck="false")


class SignupForm(PlainFields, base.SignupForm):
    labels: ClassVar[dict] = {"email": _("E-mail address")}

    def try_save(self, request: HttpRequest):
        """The new user, or None and a response when the address is taken already.

        Then as much time is spent as for a free one: the password is hashed for nothing.
        """
        for _attempt in range(3):
            if self.account_already_exists:
                make_password(self.cleaned_data["password1"])
                return super().try_save(request)
            try:
                with transaction.atomic():
                    return super().try_save(request)
            except IntegrityError:  # in the same moment somebody took the address, or the user name made from it
                self.full_clean()
                if not self.is_valid():
                    break
        return None, redirect("account_login")


class ResetPasswordForm(PlainFields, base.ResetPasswordForm):
    labels: ClassVar[dict] = {"email": _("E-mail address")}


NEW_PASSWORD = {"password1": _("New password"), "password2": _("New password, once more")}


class ChangePasswordForm(PlainFields, base.ChangePasswordForm):
    labels: ClassVar[dict] = {"oldpassword": _("Current password"), **NEW_PASSWORD}


class ResetPasswordKeyForm(PlainFields, base.ResetPasswordKeyForm):
    labels: ClassVar[dict] = NEW_PASSWORD


class OnlyItsFields(forms.ModelForm):
    """An administrator may be changing the rest of the row in the same moment."""

    def save(self, commit: bool = True) -> User:
        self.instance.save(update_fields=list(self.fields))
        return self.instance


class ProfileForm(OnlyItsFields):
    class Meta:
        model = User
        fields = ["name"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}
        help_texts = {"name": _("As you want to be called here. It may be left empty.")}


class ThemeForm(OnlyItsFields):
    class Meta:
        model = User
        fields = ["theme"]


class PreferencesForm(OnlyItsFields):
    theme = forms.ChoiceField(
        label=_("Theme"),
        required=False,
        choices=[("", _("As the system has it")), ("light", _("Light")), ("dark", _("Dark"))],
        widget=forms.RadioSelect,
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    text_size = forms.ChoiceField(
        label=_("Text size"),
        required=False,
        choices=[("small", _("Small")), ("", _("Normal")), ("large", _("Large")), ("largest", _("Very large"))],
        widget=forms.RadioSelect,
    )
    send_key = forms.ChoiceField(
        label=_("Send messages with"),
        choices=[("enter", _("Enter")), ("ctrl-enter", _("Ctrl + Enter"))],
        widget=forms.RadioSelect,
        help_text=_(
            "Shift + Enter always breaks the line; with the second choice Enter does, too. On a Mac Ctrl is ⌘."
        ),
    )

    class Meta:
        model = User
        fields = ["theme", "language", "text_size", "send_key"]

    def __init__(self, *args: Any, **kwargs: Any):
        """Languages are called as those who speak them do."""
        super().__init__(*args, **kwargs)
        names = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
        own = [(code, normalize("NFC", name[0].upper() + name[1:])) for code, name in names]
        self.fields["language"].choices = [("", _("As the browser has it")), *own]
