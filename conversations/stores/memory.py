"""The store for tests and trials: as long as the process lives."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

from conversations.errors import ConflictError
from conversations.stores.base import CONFLICT, ConversationStore
from conversations.stores.document import dumps, loads
from conversations.types import Key, Transcript


class MemoryStore(ConversationStore):
    """Keeps documents, not values, so that it takes and refuses exactly what the other stores do."""

    def __init__(self, **options):
        super().__init__(**options)
        self._documents: dict[Key, tuple[str, str]] = {}  # version and text
        # Counted over all documents: one that is deleted and made anew never has an old version again.
        self._versions = map(str, itertools.count(1))
        self._lock = threading.Lock()

    def load(self, key: Key) -> Transcript:
        with self._lock:
            found = self._documents.get(key)
        return loads(found[1], key, found[0]) if found else Transcript()

    def save(self, key: Key, transcript: Transcript) -> Transcript:
        text = dumps(key, transcript)
        with self._lock:
            if transcript.version != self._version(key):
                raise ConflictError(CONFLICT)
            version = next(self._versions)
            self._documents[key] = version, text
        return loads(text, key, version)

    def delete(self, key: Key, *, version: str | None = None) -> None:
        with self._lock:
            if version is not None and self._version(key) not in (None, version):
                raise ConflictError(CONFLICT)
            self._documents.pop(key, None)

    def keys(self, user_id: str | None = None) -> Iterator[Key]:
        with self._lock:
            found = sorted(self._documents)
        return (key for key in found if user_id in (None, key.user_id))

    def _version(self, key: Key) -> str | None:
        found = self._documents.get(key)
        return found[0] if found else None
