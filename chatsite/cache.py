"""The shared cache: Redis, and this process's memory while Redis is away.

What stands in it are counts of attempts (ACCOUNT_RATE_LIMITS). During an outage each process counts for itself; that
limits less, but nobody is kept from logging in, and nobody may guess without end.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from conversations.outage import Outage

PATIENCE = 1.0  # seconds, for each answer of Redis
MAX_ENTRIES = 50_000


@cache
def _outage(server: str) -> Outage:
    """Django makes a cache object for each request; what one learns the others must know."""
    return Outage("Redis (cache)", pause=2.0)


class SharedCache(RedisCache):
    def __init__(self, server: str | list[str], params: dict[str, Any]):
        options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "retry": Retry(NoBackoff(), 0)}
        super().__init__(server, {**params, "OPTIONS": {**options, **params.get("OPTIONS", {})}})
        self._memory = LocMemCache(f"instead of {server}", {**params, "OPTIONS": {"MAX_ENTRIES": MAX_ENTRIES}})
        self._outage = _outage(str(server))

    def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the cache in Redis, or in memory. Raises what both raise: ValueError for a missing key."""
        if self._outage.lets_pass():
            asked = time.monotonic()
            try:
                answer = getattr(super(), method)(*args, **kwargs)
            except (RedisError, OSError):
                self._outage.began(asked)
            else:
                self._outage.ended()
                return answer
        return getattr(self._memory, method)(*args, **kwargs)

    def add(self, *args, **kwargs):
        return self._ask("add", *args, **kwargs)

    def get(self, *args, **kwargs):
        return self._ask("get", *args, **kwargs)

    def set(self, *args, **kwargs):
        return self._ask("set", *args, **kwargs)

    def touch(self, *args, **kwargs):
        return self._ask("touch", *args, **kwargs)

    def delete(self, *args, **kwargs):
        return self._ask("delete", *args, **kwargs)

    def get_many(self, *args, **kwargs):
        return self._ask("get_many", *args, **kwargs)

    def has_key(self, *args, **kwargs):
        return self._ask("has_key", *args, **kwargs)

    def incr(self, *args, **kwargs):
        return self._ask("incr", *args, **kwargs)

    def set_many(self, *args, **kwargs):
        return self._ask("set_many", *args, **kwargs)

    def delete_many(self, *args, **kwargs):
        return self._ask("delete_many", *args, **kwargs)

    def clear(self):
        self._memory.clear()
        return self._ask("clear")
