"""The connection to Redis: short time-outs, no retries of the client's own, and one warning per outage."""

from __future__ import annotations

import logging

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

logger = logging.getLogger(__name__)

TIMEOUT = 1.0  # seconds for a connection or a pipeline; live text that comes later is worth nothing
FIRST_DELAY, LONGEST_DELAY = 0.1, 2.0  # seconds between attempts; the longest is how late its return is noticed


def connect(url: str) -> Redis:
    """A client that connects when it is first used."""
    return Redis.from_url(
        url,
        socket_connect_timeout=TIMEOUT,
        socket_timeout=None,  # every call has its own time limit, because XREAD waits on purpose
        retry=Retry(NoBackoff(), 0),
        encoding_errors="replace",  # one character that cannot be encoded must not keep all replies from being written
    )


class Outage:
    """Whether Redis answers this process, told once when it changes, however many calls notice it."""

    def __init__(self) -> None:
        self.is_on = False

    def began(self, error: BaseException) -> None:
        if not self.is_on:
            self.is_on = True
            logger.warning(
                "Redis does not answer (%s). Replies go on; those of other processes are read from the database, "
                "about a second late.",
                type(error).__name__,
            )

    def ended(self) -> None:
        if self.is_on:
            self.is_on = False
            logger.warning("Redis answers again.")


class BackOff:
    """The pauses between attempts in a row: each twice as long as the last, up to LONGEST_DELAY."""

    def __init__(self) -> None:
        self._delay = FIRST_DELAY

    def next(self) -> float:
        delay, self._delay = self._delay, min(LONGEST_DELAY, self._delay * 2)
        return delay

    def reset(self) -> None:
        self._delay = FIRST_DELAY
