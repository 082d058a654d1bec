"""Where transcripts live: one JSON document under (user id, conversation id).

Synchronous: storage, not a stream. Callers on the event loop go through the store executor.
"""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from django.core.checks import CheckMessage
from django.utils.translation import gettext_lazy as _

from conversations.errors import ConflictError
from conversations.types import Key, Message, Transcript

APPEND_ATTEMPTS = 20
LONGEST_PAUSE = 0.25  # seconds, between two attempts
UNAVAILABLE = _("The place where chats are kept does not answer. Try again in a moment.")
CONFLICT = _("This chat was changed somewhere else at the same time. Reload the page and try again.")


class ConversationStore(ABC):
    """Implementations share one contract (tests/stores/test_contract.py) and one form (document.py).

    Every method may raise CorruptDocument where it reads what is not a transcript.
    """

    shares_database: ClassVar[bool] = False
    """Whether documents are rows of the site's own database, so that one transaction can hold both."""

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
        """Store it and return it as it was stored (clean text), with its new version.

        Raises ConflictError if someone saved or deleted since it was loaded, TooLarge beyond the size
        limit, StoreUnavailable when the storage does not answer in time.
        """

    @abstractmethod
    def delete(self, key: Key, *, version: str | None = None) -> None:
        """Remove the document. Deleting twice is fine.

        With a `version`, only that one is removed: raises ConflictError if someone saved since.
        Raises StoreUnavailable when the storage does not answer in time.
        """

    @abstractmethod
    def keys(self, user_id: str | None = None) -> Iterator[Key]:
        """The keys of one user, or of all, in a stable order; for export, moving and erasure.

        Documents may come and go meanwhile. Raises StoreUnavailable.
        """

    def append(self, key: Key, *messages: Message, create: bool = False) -> Transcript:
        """Add what is not there yet; on conflict read again and try once more.

        Without `create` an absent document stays absent (it was deleted meanwhile) and the
        empty transcript is returned. Raises ConflictError after many conflicts in a row, TooLarge,
        StoreUnavailable.
        """
        return self.update(key, lambda transcript: transcript.with_messages(*messages), create=create)

    def update(self, key: Key, change: Callable[[Transcript], Transcript], *, create: bool = False) -> Transcript:
        """Load, change and save; on conflict read again and change once more. An unchanged one is not saved.

        Absence and errors as with `append`.
        """
        for attempt in range(1, APPEND_ATTEMPTS + 1):
            transcript = self.load(key)
            if transcript.version is None and not create:
                return transcript
            changed = change(transcript)
            if changed is transcript:
                return transcript
            try:
                return self.save(key, changed)
            except ConflictError:
                if attempt == APPEND_ATTEMPTS:
                    raise
                _pause(attempt)
        raise AssertionError("unreachable")

    def probe(self) -> None:
        """Ask the storage for something small, before much work. Raises StoreUnavailable, saying what is wrong."""
        next(self.keys(), None)

    def check(self) -> Iterable[CheckMessage]:
        """What is wrong with this configuration, without asking the storage."""
        return ()


def _pause(attempt: int) -> None:
    """Writers that collided must not collide again: each waits for a random while, growing with the attempts."""
    time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.005 * 2**attempt)))  # noqa: S311 (guards nothing)
