"""Moving documents from one store to another: repeatable at any point, and nothing is lost if both are written to."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum

from conversations.errors import ChatError, ConflictError
from conversations.models import Conversation
from conversations.stores.base import CONFLICT, ConversationStore
from conversations.stores.document import checksum
from conversations.types import Key, Transcript

ATTEMPTS = 5


class Outcome(Enum):
    COPIED = "copied"
    MERGED = "merged"  # both had messages that the other had not, or one was longer
    THERE = "there"  # equal at the target before
    GONE = "gone"  # its owner has deleted the conversation
    FAILED = "failed"


@dataclass(frozen=True)
class Mover:
    """Moves one document at a time.

    The store that the site uses wins which branch is shown; if it uses neither, the source does.
    With `delete`, a document leaves the source once its very version has been read back from the target.
    """

    source: ConversationStore
    target: ConversationStore
    is_target_in_use: bool = False
    dry_run: bool = False
    delete: bool = False
    counts: Counter[Outcome] = field(default_factory=Counter)

    def move(self, key: Key) -> None:
        """Copy, read back, compare by checksum; counts what came of it.

        Raises CorruptDocument, TooLarge, StoreUnavailable, and ConflictError if the document never holds still.
        """
        try:
            self.counts[self._move(key)] += 1
        except ChatError:
            self.counts[Outcome.FAILED] += 1
            raise

    def _move(self, key: Key) -> Outcome:
        outcome = Outcome.THERE
        for _ in range(ATTEMPTS):
            ours, theirs = self.source.load(key), self.target.load(key)
            if ours.version is None or (theirs.version is None and self._was_deleted(key)):
                return Outcome.GONE
            wanted = self._union(ours, theirs)
            if theirs.version is not None and checksum(key, wanted) == checksum(key, theirs):
                if self._leave(key, ours):
                    return outcome
                continue
            outcome = Outcome.COPIED if theirs.version is None else Outcome.MERGED
            if self.dry_run:
                return outcome
            self._write(key, replace(wanted, version=theirs.version))
        raise ConflictError(CONFLICT)

    def _union(self, ours: Transcript, theirs: Transcript) -> Transcript:
        if theirs.version is None:
            return ours
        return ours.merged_with(theirs) if self.is_target_in_use else theirs.merged_with(ours)

    def _write(self, key: Key, transcript: Transcript) -> None:
        try:
            self.target.save(key, transcript)
        except ConflictError:
            return  # someone wrote there meanwhile: the next attempt reads and merges it

    def _leave(self, key: Key, verified: Transcript) -> bool:
        """Remove it from the source if that is wanted. False if the source has changed meanwhile."""
        if not self.delete or self.dry_run:
            return True
        try:
            self.source.delete(key, version=verified.version)
        except ConflictError:
            return False
        return True

    def _was_deleted(self, key: Key) -> bool:
        """Whether a site that uses the target has deleted it there: then it must not come back."""
        if not self.is_target_in_use:
            return False
        try:
            pk = uuid.UUID(key.conversation_id)
        except ValueError:
            return False
        return not Conversation.objects.filter(pk=pk, deleted_at=None).exists()
