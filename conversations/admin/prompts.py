"""The prompts that everybody may call. What people save for themselves is theirs, and not shown here."""

from __future__ import annotations

from django.contrib import admin

from conversations import services
from conversations.models import SavedPrompt


@admin.register(SavedPrompt)
class SavedPromptAdmin(admin.ModelAdmin):
    fields = ["name", "text"]
    list_display = ["__str__", "text"]
    search_fields = ["name", "text"]

    def get_queryset(self, request):
        return services.shared_prompts()
