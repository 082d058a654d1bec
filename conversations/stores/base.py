"""Where transcripts live: one JSON document under (user id, conversation id).

Synchronous: storage, not a stream. Callers on the event loop go through the store executor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.checks import CheckMessage

from conversations.errors import ConflictError
from conversations.types import Key, Message, Transcript

APPEND_ATTEMPTS = 20


class ConversationStore(ABC):
    def __init__(self, **options: Any):
        if options:
            raise TypeError(f"{type(self).__name__} does not know these OPTIONS: {', '.join(sorted(options))}")

    @abstractmethod
    def load(self, key: Key) -> Transcript:
        """The transcript, or an empty one if there is none: absence is not an error.

        Raises StoreUnavailable when the storage does not answer in time.
        """

    @abstractmethod
    def save(self, key: Key, transcript: Transcript) -> Transcript:
        """Store it and return it with its new version.

        Raises ConflictError if someone saved since it was loaded, TooLarge beyond the size limit,
        StoreUnavailable when the storage does not answer in time.
        """

    @abstractmethod
    def delete(self, key: Key) -> None:
        """Remove the document. Deleting twice is fine. Raises StoreUnavailable."""

    @abstractmethod
    def keys(self, user_id: str | None = None) -> Iterator[Key]:
        """The keys of one user, or of all, in a stable order; for export, moving and erasure."""

    def append(self, key: Key, *messages: Message, create: bool = False) -> Transcript:
        """Add what is not there yet; on conflict read again and try once more.

        Without `create` an absent document stays absent (it was deleted meanwhile) and the
        empty transcript is returned. Raises ConflictError after many conflicts in a row, StoreUnavailable.
        """
        for attempt in range(APPEND_ATTEMPTS):
            transcript = self.load(key)
            if transcript.version is None and not create:
                return transcript
            longer = transcript.with_messages(*messages)
            if longer is transcript:
                return transcript
            try:
                return self.save(key, longer)
            except ConflictError:
                if attempt == APPEND_ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def check(self) -> Iterable[CheckMessage]:
        """What is wrong with this configuration."""
        return ()
