"""The buttons that can be given another name or switched off, with the names they have by themselves."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

LABELS = {
    "new_chat": _("New chat"),
    "temporary": _("Temporary chat"),
    "models": _("Models"),
    "personas": _("Personas"),
    "prompts": _("Prompts"),
    "chat_settings": _("Chat settings"),
    "share": _("Share"),
    "shared_links": _("Shared links"),
    "transfer": _("Export and import"),
    "settings": _("Settings"),
    "compare": _("Compare models"),
    "clear": _("Clear the chat"),
    "copy": _("Copy"),
    "edit": _("Edit and send again"),
    "again": _("Another answer"),
    "thumbs": _("Good answer, bad answer"),
    "take_back": _("Take back the last question and its answer"),
    "account": _("Your account"),
}
INDISPENSABLE = {"new_chat", "account"}
"""They can be given another name only: without them people would be stuck."""
