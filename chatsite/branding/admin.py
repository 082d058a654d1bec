"""The site's appearance and words in the admin. What is saved shows at once here, in other processes within seconds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from chatsite.branding import current
from chatsite.branding.forms import SiteForm
from chatsite.branding.models import Announcement, Button, Example, Site, SiteText


class TextInline(admin.StackedInline):
    model = SiteText
    verbose_name_plural = _("texts: description, notice below the message box, terms of use")
    fields = ["kind", "language", "text"]
    extra = 0


class ButtonInline(admin.TabularInline):
    model = Button
    verbose_name_plural = _("buttons: other names, or off")
    fields = ["name", "label", "language", "is_off"]
    extra = 0


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):
    """One page, because there is one site."""

    form = SiteForm
    inlines = [TextInline, ButtonInline]
    readonly_fields = ["current_logo"]
    fieldsets = (
        (None, {"fields": ["name", "accent", "current_logo", "picture", "without_picture", "css"]}),
        (_("Terms of use"), {"fields": ["must_agree", "ask_again"]}),
    )

    @admin.display(description=_("Logo"))
    def current_logo(self, site: Site) -> str:
        if not site.logo_version:
            return str(_("None: the project's own mark is shown."))
        url = f"{reverse('branding:logo')}?v={site.logo_version}"
        return format_html('<img src="{}" alt="" height="48">', url)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        if Site.objects.filter(pk=Site.KEY).exists():
            return redirect("admin:branding_site_change", Site.KEY)
        return redirect("admin:branding_site_add")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Site.objects.filter(pk=Site.KEY).exists()

    def has_delete_permission(self, request: HttpRequest, obj: Site | None = None) -> bool:
        """Whoever wants the project's own look back empties the fields."""
        return False

    def save_model(self, request: HttpRequest, obj: Site, form: SiteForm, change: bool) -> None:
        if form.cleaned_data["ask_again"]:
            obj.agreed_since = timezone.now()
        super().save_model(request, obj, form, change)


class SwitchAdmin(admin.ModelAdmin):
    """What can be enabled and disabled."""

    actions = ["enable", "disable"]

    @admin.action(description=_("Enable the selected %(verbose_name_plural)s"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset) -> None:
        queryset.update(enabled=True)
        current.forget()

    @admin.action(description=_("Disable the selected %(verbose_name_plural)s"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset) -> None:
        queryset.update(enabled=False)
        current.forget()


@admin.register(Announcement)
class AnnouncementAdmin(SwitchAdmin):
    list_display = ["__str__", "level", "language", "begins_at", "ends_at", "can_be_dismissed", "enabled"]
    list_editable = ["enabled"]
    list_filter = ["enabled", "level", "language"]
    search_fields = ["text"]
    fields = ["text", "level", "language", "begins_at", "ends_at", "for_visitors", "can_be_dismissed", "enabled"]


@admin.register(Example)
class ExampleAdmin(SwitchAdmin):
    list_display = ["text", "language", "order", "has_answer", "keeps_answer", "enabled"]
    list_editable = ["order", "keeps_answer", "enabled"]
    list_filter = ["enabled", "language"]
    search_fields = ["text", "answer"]
    fields = ["text", "language", "order", "keeps_answer", "answer", "enabled"]

    @admin.display(description=_("answered"), boolean=True)
    def has_answer(self, example: Example) -> bool:
        return bool(example.answer)
