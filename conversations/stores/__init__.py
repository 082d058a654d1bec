"""The configured store: `get_store()`."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from conversations.stores.base import ConversationStore

__all__ = ["ConversationStore", "build_store", "get_store"]


def build_store(config: dict) -> ConversationStore:
    return import_string(config["BACKEND"])(**config.get("OPTIONS", {}))


@cache
def get_store() -> ConversationStore:
    return build_store(settings.CONVERSATION_STORE)


def _forget(*, setting: str, **_: object) -> None:
    if setting == "CONVERSATION_STORE":
        get_store.cache_clear()


setting_changed.connect(_forget, dispatch_uid="conversations.stores")
