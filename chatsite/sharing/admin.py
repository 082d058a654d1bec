"""Shared links in the admin: who shares how much, and an end to it. Never the text."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from chatsite.sharing.models import SharedLink

SHORT = 40  # characters in a list's column


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
