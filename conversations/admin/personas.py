"""The personas that everybody may use. What people write for themselves is theirs, and not shown here."""

from __future__ import annotations

from django.contrib import admin

from conversations import services
from conversations.models import Persona


@admin.register(Persona)
class PersonaAdmin(admin.ModelAdmin):
    fields = ["name", "description", "prompt", "order"]
    list_display = ["name", "description", "order"]
    list_editable = ["order"]
    search_fields = ["name", "description", "prompt"]

    def get_queryset(self, request):
        return services.shared_personas().order_by(*self.model._meta.ordering)

    def get_deleted_objects(self, objs, request):
        """Chats that use them stay, so nothing else goes; whose they are is not shown."""
        return [str(persona) for persona in objs], {str(self.model._meta.verbose_name_plural): len(objs)}, set(), []
