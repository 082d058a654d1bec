"""Knowing that a service hangs, so that one asks it now and then instead of everybody waiting for it all the time."""

from __future__ import annotations

import logging
import threading
import time

logger = logging.getLogger(__name__)


class Outage:
    """Of one service that this process asks. Whoever asks waits for a time-out, at most, and tells what came of it.

    From the first time-out until the first answer only one caller passes in every `pause` seconds; each of them may
    hang for its own time-out, which is what knowing of the end costs.
    """

    def __init__(self, service: str, pause: float = 1.0):
        """`service` is what the log calls it."""
        self._service = service
        self._pause = pause
        self._lock = threading.Lock()
        self._is_known = False
        self._next = 0.0
        self._answered = 0.0  # when it last ended

    def lets_pass(self) -> bool:
        """Whether to ask the service now; otherwise it is taken as not answering."""
        if not self._is_known:
            return True
        with self._lock:
            now = time.monotonic()
            if self._is_known and now < self._next:
                return False
            self._next = now + self._pause
            return True

    def began(self, asked: float | None = None) -> None:
        """It did not answer in time what it was asked at `asked`, on time.monotonic()'s clock.

        Of a question from before it answered somebody else again this says nothing: that one was lost before.
        """
        with self._lock:
            if asked is not None and asked < self._answered:
                return
            if not self._is_known:
                logger.error("%s does not answer. It is asked again once in %g s.", self._service, self._pause)
            self._is_known, self._next = True, time.monotonic() + self._pause

    def ended(self) -> None:
        """It answered, be it with a refusal."""
        if not self._is_known:
            return
        with self._lock:
            self._is_known, self._answered = False, time.monotonic()
        logger.warning("%s answers again.", self._service)
