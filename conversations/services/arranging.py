"""Where a chat that comes in belongs here, and with what it goes on: folder, pin, model, persona, settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from conversations.cleaning import clean
from conversations.errors import InputError
from conversations.models import FOLDER_NAME_MAX_LENGTH, PROMPT_MAX_LENGTH, ChatModel, Conversation, Folder, Persona
from conversations.services.catalogue import available_models, default_model
from conversations.services.folders import MOST_FOLDERS
from conversations.services.organising import MOST_PINNED
from conversations.services.wishes import Wish, take


def folder(user, name: str) -> Folder | None:
    """None where nobody could see one more."""
    name = " ".join(clean(name).split())[:FOLDER_NAME_MAX_LENGTH].strip()
    own = Folder.objects.filter(user=user)
    if not name or (own.count() >= MOST_FOLDERS and not own.filter(name=name).exists()):
        return None
    return own.get_or_create(user=user, name=name)[0]


def pinned_at(user, moment: datetime | None) -> datetime | None:
    """As long as there is room among those that are pinned."""
    pinned = Conversation.objects.for_user(user).filter(pinned_at__isnull=False)
    return moment if moment and pinned.count() < MOST_PINNED else None


def model(wanted: tuple[str, str] | None) -> ChatModel | None:
    """The same one, if people can choose it here."""
    if wanted is None:
        return None
    return next((one for one in available_models() if (one.backend, one.model_id) == wanted), None)


def settle_wishes(
    conversation: Conversation, persona: tuple[str, str] | None, prompt: str, options: Mapping[str, Any]
) -> None:
    """Persona, prompt and settings, as far as they are to be had here; a chat without them is better than none."""
    if persona:
        name, text = persona
        wanted = Q(owner=conversation.user, prompt=text) if text else Q(owner=None)
        conversation.persona = Persona.objects.filter(wanted, name=name).order_by("pk").first()
        prompt = prompt if conversation.persona else text or prompt
    conversation.system_prompt = clean(prompt)[:PROMPT_MAX_LENGTH]
    wanted = conversation.model or default_model()
    if options and wanted:
        try:
            take(conversation, wanted, Wish(options))
        except InputError:
            conversation.options = {}
