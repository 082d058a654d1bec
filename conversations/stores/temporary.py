"""Where temporary chats live: in the cache that settings.CHAT_TEMPORARY_CACHE names, and nowhere else.

That is this process's memory, or Redis where several processes serve the site. What is not asked for is gone
settings.CHAT_TEMPORARY_HOURS after its last change, and all of it when the cache is emptied: at a restart.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache import caches

from conversations.errors import ConflictError
from conversations.stores.base import CONFLICT, ConversationStore
from conversations.stores.document import dumps, loads
from conversations.types import Key, Transcript

SYSTEM_PROMPT, OPTIONS = "system_prompt", "options"  # fields of the document
LOCK_SECONDS = 5  # whoever held it for longer is gone


class TemporaryStore(ConversationStore):
    """A version is random: a document that is made anew never has an old one again."""

    def load(self, key: Key) -> Transcript:
        found = _cache().get(_name(key))
        return loads(found[1], key, found[0]) if found else Transcript()

    def save(self, key: Key, transcript: Transcript) -> Transcript:
        text, version = dumps(key, transcript), uuid.uuid4().hex
        cache, name = _cache(), _name(key)
        if not cache.add(f"{name}:lock", 1, LOCK_SECONDS):
            raise ConflictError(CONFLICT)  # somebody is saving: read that, and try again
        try:
            found = cache.get(name)
            if transcript.version != (found[0] if found else None):
                raise ConflictError(CONFLICT)
            cache.set(name, (version, text), settings.CHAT_TEMPORARY_HOURS * 3600)
        finally:
            cache.delete(f"{name}:lock")
        return loads(text, key, version)

    def wishes(self, key: Key) -> tuple[str, dict[str, Any]]:
        """What its owner wrote for the model of this chat, and set: said in it like the rest, so it is kept with it."""
        extra = self.load(key).extra
        return str(extra.get(SYSTEM_PROMPT, "")), dict(extra.get(OPTIONS, {}))

    def set_wishes(self, key: Key, prompt: str, options: Mapping[str, Any]) -> None:
        """Of a chat that is over, nothing is kept. Raises ConflictError."""
        wishes = {SYSTEM_PROMPT: prompt, OPTIONS: dict(options)}
        self.update(key, lambda known: replace(known, extra={**known.extra, **wishes}))

    def set_system_prompt(self, key: Key, text: str) -> None:
        """As `set_wishes`, for the prompt alone."""
        self.update(key, lambda known: replace(known, extra={**known.extra, SYSTEM_PROMPT: text}))

    def delete(self, key: Key, *, version: str | None = None) -> None:
        if version is not None and self.load(key).version not in (None, version):
            raise ConflictError(CONFLICT)
        _cache().delete(_name(key))

    def keys(self, user_id: str | None = None) -> Iterator[Key]:
        """None: a cache cannot tell what it holds, and nothing that moves or exports chats may take these."""
        return iter(())


@cache
def temporary_store() -> TemporaryStore:
    return TemporaryStore()


def _cache():
    return caches[settings.CHAT_TEMPORARY_CACHE]


def _name(key: Key) -> str:
    return f"temporary:{key.user_id}:{key.conversation_id}"
