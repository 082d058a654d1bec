"""Writing down what was found: in a thread of its own, so that no reply waits for it or fails with it.

While the database is away hits wait in memory, the newest MOST_WAITING of them.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
from collections import deque
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connections
from django.utils import timezone

from chatsite.moderation.matching import Match
from chatsite.moderation.models import TEXT_MAX_LENGTH, Hit
from conversations.guards import Exchange

logger = logging.getLogger(__name__)
MOST_WAITING = 5_000
BATCH = 200
PRUNE_EVERY = 3600.0  # seconds
AT_EXIT = 2.0  # seconds that a process which ends waits for what it still has to write


class Recorder:
    """What waits to be written, and the thread that writes it. The thread lives while there is something."""

    def __init__(self) -> None:
        self._waiting: deque[Hit] = deque(maxlen=MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_ending = threading.Event()
        self._pruned_at = float("-inf")

    def add(self, hit: Hit) -> None:
        with self._lock:
            self._waiting.append(hit)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="filter-hits", daemon=True)
                self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Until all is written. False if it took too long."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return not self._waiting

    def end(self) -> None:
        self._is_ending.set()
        self.wait(AT_EXIT)

    def _write(self) -> None:
        pause = 0.5
        while batch := self._next():
            try:
                _save(batch)
                self._prune()
                pause = 0.5
            except Exception as error:  # whatever a database raises: the hits wait, the chat goes on
                logger.warning("Hits of the content filter wait for the database: %s", type(error).__name__)
                self._waiting.extendleft(reversed(batch[: MOST_WAITING - len(self._waiting)]))
                if self._is_ending.wait(pause):
                    return
                pause = min(2 * pause, 30.0)
            finally:
                connections.close_all()

    def _next(self) -> list[Hit]:
        """What is to be written now; if nothing is, this thread has ended for whoever comes next."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not batch:
                self._thread = None
            return batch

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at > PRUNE_EVERY:
            self._pruned_at = time.monotonic()
            prune()


recorder = Recorder()
atexit.register(recorder.end)


def note(exchange: Exchange, match: Match, around: str) -> None:
    """Keep in mind what was found; returns at once. `around` is the text to keep, if any is to be kept."""
    hit = Hit(
        created_at=timezone.now(),
        user_id=int(exchange.user_id),
        conversation_id=UUID(exchange.conversation_id),
        model_id=exchange.model,
        term_id=match.rule.id,
        entry=match.rule.text,
        part=exchange.part,
        action=match.rule.action,
        text=around[:TEXT_MAX_LENGTH],
    )
    recorder.add(hit)


def prune() -> int:
    """Remove hits older than CHAT_FILTER_KEEP_DAYS. Returns how many."""
    long_ago = timezone.now() - timedelta(days=settings.CHAT_FILTER_KEEP_DAYS)
    return Hit.objects.filter(created_at__lt=long_ago).delete()[0]


def _save(batch: list[Hit]) -> None:
    try:
        Hit.objects.bulk_create(batch)
    except IntegrityError:  # a person, a model or an entry was deleted meanwhile
        for hit in batch:
            _save_alone(hit)


def _save_alone(hit: Hit) -> None:
    for field in ("", "model_id", "term_id"):
        if field:
            setattr(hit, field, None)
        with contextlib.suppress(IntegrityError):
            hit.pk = None
            hit.save(force_insert=True)
            return
    logger.info("A hit of the content filter is dropped: its person was deleted")
