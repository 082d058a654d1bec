"""What one entry of the catalogue changes of the settings that people tune, checked against its connection."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.backends import get_backend
from conversations.backends.tuning import USUAL
from conversations.errors import BackendError, InputError
from conversations.models import ModelSetting
from conversations.services.values import checked, narrowed
from conversations.types import Setting


def known_settings(alias: str) -> dict[str, Setting]:
    """What the connection lets people tune, by name; the usual ones while none is chosen or it is gone."""
    try:
        declared = get_backend(alias).settings
    except BackendError:
        declared = USUAL
    return {setting.name: setting for setting in declared}


class ModelSettingForm(forms.ModelForm):
    class Meta:
        model = ModelSetting
        fields = ("name", "is_hidden", "default", "least", "most")
        help_texts = {
            "default": gettext_lazy("What new conversations begin with. Empty: as usual."),
            "least": gettext_lazy("People may not go below. Empty: as the connection has it."),
            "most": gettext_lazy("People may not go above. Empty: as the connection has it."),
        }

    def __init__(self, *args, known: Mapping[str, Setting], **kwargs):
        super().__init__(*args, **kwargs)
        self.known = known
        choices = [(name, f"{setting.label} ({name})") for name, setting in known.items()]
        if self.instance.name and self.instance.name not in known:
            choices.append((self.instance.name, self.instance.name))
        self.fields["name"] = forms.ChoiceField(label=self.fields["name"].label, choices=[("", "---"), *choices])

    def clean(self) -> dict:
        data = super().clean()
        setting = self.known.get(data.get("name", ""))
        if setting is None or self.errors:
            return data
        least, most = data.get("least"), data.get("most")
        if least is not None and most is not None and least > most:
            self.add_error("most", _("This is below the least. Write a larger number, or none."))
        elif setting.kind in ("text", "flag") and (least is not None or most is not None):
            self.add_error("least", _("This setting is no number, so it has no bounds. Leave them empty."))
        else:
            self._check_bounds(setting, least, most)
            self._check_default(setting, data)
        return data

    def _check_bounds(self, setting: Setting, least: float | None, most: float | None) -> None:
        """An entry narrows what its connection takes; wider bounds would be sent and refused."""
        for name, value in (("least", least), ("most", most)):
            try:
                if value is not None and setting.kind in ("number", "integer"):
                    checked(setting, value)
            except InputError as error:
                self.add_error(name, error.message)

    def _check_default(self, setting: Setting, data: Mapping) -> None:
        wanted = data.get("default", "").strip()
        if not wanted or self.errors:
            return
        within = narrowed(setting, default=wanted, least=data.get("least"), most=data.get("most"))
        try:
            checked(within, wanted)
        except InputError as error:
            self.add_error("default", error.message)


class ModelSettingInline(admin.TabularInline):
    """One row for each setting that is not as usual with this model."""

    model = ModelSetting
    form = ModelSettingForm
    fields = ["name", "is_hidden", "default", "least", "most"]
    extra = 0
    verbose_name = gettext_lazy("setting")
    verbose_name_plural = gettext_lazy("Settings that are not as usual with this model")

    def get_formset(self, request, obj=None, **kwargs):
        formset = super().get_formset(request, obj, **kwargs)
        known = known_settings(obj.backend if obj else "")

        class Formset(formset):
            def get_form_kwargs(self, index):
                return {**super().get_form_kwargs(index), "known": known}

        return Formset
