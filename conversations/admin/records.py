"""Conversations and replies: their metadata, never their text."""

from __future__ import annotations

from django.contrib import admin
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from conversations import services
from conversations.models import Conversation, Generation

SHORT = 40  # characters in a list's column


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ["short_title", "user", "model", "message_count", "size", "created_at", "updated_at", "trashed_at"]
    list_filter = ["model", "title_source", "updated_at", ("trashed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user", "model"]
    search_fields = ["title", "user__email", "user__username"]
    date_hierarchy = "updated_at"
    fields = ["id", "title", *list_display[1:], "archived_at", "is_deleted", "title_source"]
    readonly_fields = fields

    @admin.display(description=_("title"), ordering="title")
    def short_title(self, conversation: Conversation) -> str:
        return Truncator(str(conversation)).chars(SHORT)

    @admin.display(boolean=True, description=_("deleted"))
    def is_deleted(self, conversation: Conversation) -> bool:
        return conversation.deleted_at is not None

    def delete_model(self, request, obj):
        services.delete(obj)

    def delete_queryset(self, request, queryset):
        for conversation in queryset:
            services.delete(conversation)

    def get_deleted_objects(self, objs, request):
        """The document and the replies go with it; the confirmation need not list rows nobody can open."""
        return [str(conversation) for conversation in objs], {str(_("conversations")): len(objs)}, set(), []


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "user", "conversation_title", "model", "status", "short_error", "finished_at"]
    list_filter = ["status", "backend", "error_code", "created_at"]
    list_select_related = ["user", "conversation", "model"]
    search_fields = ["=id", "=conversation__id", "user__email", "user__username", "error"]
    date_hierarchy = "created_at"
    fields = [
        "created_at",
        "user",
        "conversation",
        "model",
        "status",
        "finish_reason",
        "error",
        "finished_at",
        "id",
        "backend",
        "upstream_model",
        "instead_of",
        "options",
        "error_code",
        "prompt_tokens",
        "completion_tokens",
        "first_token_ms",
        "tokens_per_second",
        "stop_requested",
        "stored_at",
    ]

    @admin.display(description=_("conversation"), ordering="conversation__title")
    def conversation_title(self, generation: Generation) -> str:
        return Truncator(str(generation.conversation)).chars(SHORT)

    @admin.display(description=_("error"), ordering="error")
    def short_error(self, generation: Generation) -> str:
        return Truncator(generation.error).chars(SHORT)

    def has_delete_permission(self, request, obj=None):
        return False
