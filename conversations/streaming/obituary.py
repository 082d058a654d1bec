"""Watching the other processes: who has been silent for long, and who is dead.

No wall clocks are compared. Each process raises a counter once per tick of its clock; what counts is for how
long this process has itself seen it unchanged, by its own monotonic time and over successful reads only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from conversations.models import Writer
from conversations.streaming import outcome

LONGEST_STEP = 5.0  # seconds that one pair of reads may add: a machine that slept must not bury who slept beside it


@dataclass(frozen=True, slots=True)
class _Seen:
    counter: int
    silence: float = 0.0  # seconds
    watched: float = 0.0  # seconds


class Obituary:
    """What this process has seen of the others. `watch` runs in the database executor."""

    def __init__(self) -> None:
        self._seen: dict[UUID, _Seen] = {}
        self._read_at = 0.0

    def watch(self, writer_id: UUID) -> int:
        """Read all counters but this process's own; stop for the silent what they were asked to stop; bury the dead.

        Returns how many replies of dead processes were settled.
        """
        asked = time.monotonic()
        counters = dict(Writer.objects.exclude(pk=writer_id).values_list("pk", "counter"))
        # From the last answer to this question, so that the wait for a slow database is nobody's silence.
        step = min(asked - self._read_at, LONGEST_STEP)
        self._read_at = time.monotonic()
        self._seen = {pk: self._look(pk, counter, step) for pk, counter in counters.items()}
        if silent := self._silent_for(settings.CHAT_SILENT_AFTER):
            outcome.settle_stopped(silent)
        return outcome.bury(self._silent_for(settings.CHAT_DEAD_AFTER))

    def _silent_for(self, seconds: float) -> list[UUID]:
        return [pk for pk, seen in self._seen.items() if seen.silence >= seconds]

    def _look(self, pk: UUID, counter: int, step: float) -> _Seen:
        before = self._seen.get(pk)
        if before is None:
            return _Seen(counter)
        silence = before.silence + step if before.counter == counter else 0.0
        return _Seen(counter, silence, before.watched + step)

    def count_beside(self, seconds: float) -> int:
        """How many other processes live, and were seen alive for so long already."""
        living = [seen for seen in self._seen.values() if seen.silence < settings.CHAT_SILENT_AFTER]
        return sum(seen.watched - seen.silence >= seconds for seen in living)

    def is_silent(self, writer_id: UUID) -> bool:
        """Whether nothing was heard of a process for so long that the owner of its replies may settle them.

        One that was not watched yet is not silent.
        """
        seen = self._seen.get(writer_id)
        return seen is not None and seen.silence >= settings.CHAT_SILENT_AFTER
