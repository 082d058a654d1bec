"""The configured store: `get_store()`."""

from __future__ import annotations

import threading
from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from conversations.models import Conversation
from conversations.stores.base import ConversationStore
from conversations.stores.temporary import OPTIONS, SYSTEM_PROMPT, temporary_store
from conversations.types import Transcript

__all__ = ["ConversationStore", "build_store", "first_document", "get_store", "store_of", "temporary_store"]

_lock = threading.Lock()


def build_store(config: dict) -> ConversationStore:
    """A new store of this configuration. Raises ImportError, and TypeError for OPTIONS that it does not know."""
    return import_string(config["BACKEND"])(**config.get("OPTIONS", {}))


def get_store() -> ConversationStore:
    """The one that settings.CONVERSATION_STORE names; the same for all threads."""
    with _lock:  # a cache alone lets two threads build one each
        return _configured()


def store_of(conversation: Conversation) -> ConversationStore:
    """Where its transcript lives: in the configured store, unless it is temporary."""
    return temporary_store() if conversation.is_temporary else get_store()


def first_document(conversation: Conversation) -> Transcript:
    """What a new one begins with: a temporary one with its own prompt and settings, which its row does not have."""
    if conversation.is_temporary and (conversation.system_prompt or conversation.options):
        return Transcript(extra={SYSTEM_PROMPT: conversation.system_prompt, OPTIONS: conversation.options})
    return Transcript()


@cache
def _configured() -> ConversationStore:
    return build_store(settings.CONVERSATION_STORE)


def _forget(*, setting: str, **_: object) -> None:
    if setting == "CONVERSATION_STORE":
        _configured.cache_clear()


setting_changed.connect(_forget, dispatch_uid="conversations.stores")
