"""What an administrator enters about the site's appearance."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from chatsite.branding.current import version
from chatsite.branding.logo import type_of
from chatsite.branding.models import Site


class SiteForm(forms.ModelForm):
    picture = forms.FileField(
        label=_("New logo"),
        required=False,
        help_text=_("PNG, JPEG, WebP or SVG, at most 200 kB. It stands beside the name, and in the browser's tab."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/svg+xml"}),
    )
    without_picture = forms.BooleanField(label=_("Remove the logo"), required=False)
    ask_again = forms.BooleanField(
        label=_("Ask everybody to agree again"),
        required=False,
        help_text=_("When the terms have changed: agreements up to now count no more."),
    )

    class Meta:
        model = Site
        fields = ["name", "accent", "css", "must_agree"]
        widgets = {
            "accent": forms.TextInput(attrs={"placeholder": "#0f766e", "maxlength": 7, "size": 8}),
            "css": forms.Textarea(attrs={"rows": 12, "cols": 90, "class": "vLargeTextField", "spellcheck": "false"}),
        }

    def clean_picture(self) -> UploadedFile | None:
        picture = self.cleaned_data["picture"]
        if picture:
            self.content = picture.read()
            self.content_type = type_of(self.content)
        return picture

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("picture") and data.get("without_picture"):
            self.add_error("without_picture", _("Either choose a new logo, or remove the old one."))
        return data

    def save(self, commit: bool = True) -> Site:
        site = self.instance
        if self.cleaned_data.get("picture"):
            site.logo, site.logo_type = self.content, self.content_type
            site.logo_version = version(self.content)
        elif self.cleaned_data.get("without_picture"):
            site.logo, site.logo_type, site.logo_version = b"", "", ""
        return super().save(commit)
