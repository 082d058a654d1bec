"""The admin: the catalogue is edited here; conversations and replies show their metadata, never their text."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import admin
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from conversations import services
from conversations.models import ChatModel, Conversation, Generation, ModelFallback

SHORT = 40  # characters in a list's column


class ChatModelForm(forms.ModelForm):
    """`backend` is chosen among the configured connections; one that is gone stays visible."""

    class Meta:
        model = ChatModel
        fields = (
            "label",
            "backend",
            "model_id",
            "description",
            "use_case",
            "context_size",
            "enabled",
            "is_default",
            "order",
        )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        aliases = list(settings.CHAT_BACKENDS)
        current = self.instance.backend
        if current and current not in aliases:
            aliases.append(current)
        self.fields["backend"] = forms.ChoiceField(
            label=self.fields["backend"].label,
            choices=[(alias, alias) for alias in aliases],
            help_text=_("A connection from the site's settings."),
        )


class FallbackInline(admin.TabularInline):
    """Who answers instead. One that is hidden, or whose connection is gone, stays listed and is passed over."""

    model = ModelFallback
    fk_name = "model"
    fields = ["substitute", "order"]
    extra = 0
    verbose_name = _("substitute")
    verbose_name_plural = _("Models that answer when this one does not")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if own := request.resolver_match.kwargs.get("object_id"):
            field.queryset = field.queryset.exclude(pk=own)  # no model stands in for itself
        return field


@admin.register(ChatModel)
class ChatModelAdmin(admin.ModelAdmin):
    form = ChatModelForm
    inlines = [FallbackInline]
    list_display = ["label", "backend", "model_id", "use_case", "context_size", "enabled", "is_default", "order"]
    list_display_links = ["label"]
    list_editable = ["enabled", "order"]
    list_filter = ["enabled", "backend"]
    search_fields = ["label", "model_id", "description", "use_case"]
    actions = ["enable", "disable", "make_default"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if obj.is_default:
            ChatModel.objects.exclude(pk=obj.pk).update(is_default=False)

    @admin.action(description=_("Let people choose the selected models"))
    def enable(self, request, queryset):
        queryset.update(enabled=True)
        services.forget_catalogue()

    @admin.action(description=_("Hide the selected models"))
    def disable(self, request, queryset):
        queryset.update(enabled=False)
        services.forget_catalogue()

    @admin.action(description=_("Start new conversations with the selected model"))
    def make_default(self, request, queryset):
        if queryset.count() != 1:
            self.message_user(request, _("Select exactly one model."), level="error")
            return
        ChatModel.objects.update(is_default=False)
        queryset.update(is_default=True, enabled=True)
        services.forget_catalogue()


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ["short_title", "user", "model", "message_count", "size", "created_at", "updated_at", "is_deleted"]
    list_filter = ["model", "title_source", "updated_at"]
    list_select_related = ["user", "model"]
    search_fields = ["title", "user__email", "user__username"]
    date_hierarchy = "updated_at"
    fields = ["id", "title", *list_display[1:], "title_source"]
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
