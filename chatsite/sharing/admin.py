"""Shared links in the admin: who shares how much, and an end to it, never the text. Trials without an account."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from chatsite.sharing.models import Guest, SharedLink, Trial

SHORT = 40  # characters in a list's column
MESSAGE_LIMITS = ("messages_per_guest", "messages_total", "message_length")
EMBEDDING = _(
    "Pages of these sites can show the chat in a frame. It needs no cookies of other sites: where a browser keeps "
    "none, the chat goes on until its page is left."
)
FRAME = (
    '<iframe src="{}" title="{}" width="100%" height="640" style="border: 0" loading="lazy" '
    'allow="clipboard-write" referrerpolicy="origin"></iframe>'
)


@admin.register(SharedLink)
class SharedLinkAdmin(admin.ModelAdmin):
    """Deleting one revokes it."""

    list_display = ["short_title", "user", "message_count", "created_at", "expires_at", "is_protected", "views"]
    list_filter = ["created_at", "expires_at"]
    list_select_related = ["user"]
    search_fields = ["title", "user__email", "user__username"]
    date_hierarchy = "created_at"
    fields = ["title", "user", "message_count", "created_at", "expires_at", "is_protected", "views", "viewed_at"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest):
        return super().get_queryset(request).defer("snapshot")

    @admin.display(description=_("title"), ordering="title")
    def short_title(self, link: SharedLink) -> str:
        return Truncator(str(link)).chars(SHORT)

    @admin.display(boolean=True, description=_("password"))
    def is_protected(self, link: SharedLink) -> bool:
        return link.has_password

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SharedLink | None = None) -> bool:
        return False


@admin.register(Trial)
class TrialAdmin(admin.ModelAdmin):
    """Deleting one deletes its visitors and their chats."""

    list_display = ["name", "model", "persona", "enabled", "ends_at", "visitors", "messages"]
    list_filter = ["enabled", "model"]
    list_select_related = ["model", "persona"]
    search_fields = ["name"]
    fieldsets = (
        (None, {"fields": ("name", "model", "persona", "enabled", "address")}),
        (_("Limits"), {"fields": ("ends_at", "guests_total", *MESSAGE_LIMITS, "visitors", "messages")}),
        (_("Embedding"), {"fields": ("origins", "snippet"), "description": EMBEDDING}),
    )
    readonly_fields = ["address", "snippet", "visitors", "messages"]
    actions = ["open_selected", "close_selected"]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Trial | None:
        trial = super().get_object(request, object_id, from_field)
        if trial is not None:
            trial.site = request.build_absolute_uri("/").rstrip("/")
        return trial

    def formfield_for_foreignkey(self, db_field, request: HttpRequest, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "model":
            field.required = True
        return field

    @admin.display(description=_("link"))
    def address(self, trial: Trial | None) -> str:
        if not _is_saved(trial):
            return _("It stands here once this is saved.")
        return format_html('<a href="{0}">{0}</a>', _address(trial, "trial"))

    @admin.display(description=_("to copy into a page"))
    def snippet(self, trial: Trial | None) -> str:
        if not _is_saved(trial) or not trial.origins.strip():
            return _("It stands here once the sites that may embed it are saved.")
        frame = format_html(FRAME, _address(trial, "embed"), trial.name)
        return format_html('<textarea rows="4" cols="80" readonly>{}</textarea>', escape(frame))

    @admin.display(description=_("visitors so far"), ordering="guests_count")
    def visitors(self, trial: Trial) -> str:
        return f"{trial.guests_count} / {trial.guests_total}"

    @admin.display(description=_("messages so far"), ordering="messages_sent")
    def messages(self, trial: Trial) -> str:
        return f"{trial.messages_sent} / {trial.messages_total}"

    @admin.action(description=_("Open the selected trials"), permissions=["change"])
    def open_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        queryset.update(enabled=True)

    @admin.action(description=_("Close the selected trials"), permissions=["change"])
    def close_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        queryset.update(enabled=False)

    def get_deleted_objects(self, objs, request: HttpRequest):
        """Visitors and their chats go with it; the confirmation need not list rows nobody can open."""
        guests = Guest.objects.filter(trial__in=objs).count()
        counts = {Trial._meta.verbose_name_plural: len(objs), Guest._meta.verbose_name_plural: guests}
        return [str(trial) for trial in objs], counts, set(), []


def _is_saved(trial: Trial | None) -> bool:
    return trial is not None and hasattr(trial, "site")


def _address(trial: Trial, name: str) -> str:
    return trial.site + reverse(f"sharing:{name}", args=[trial.token])
