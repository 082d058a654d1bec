"""The pump of a process: writes what its replies say to their Redis Streams, all of them at once every 50 ms.

No generation waits for it. What Redis does not take within a second is dropped, and readers elsewhere
fill the gap from the row; so an outage costs no memory.
"""

from __future__ import annotations

import asyncio
import contextvars
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from conversations.relay.redis_link import TIMEOUT, BackOff, Outage
from conversations.relay.stream_entries import ENDED, NOTICE, TEXT, THOUGHTS, Entry, stream_key, thoughts_value
from conversations.relay.waiting import wait_at_most

INTERVAL = 0.05  # seconds; what arrives meanwhile is joined
LONGEST_ENTRY = 64_000  # characters; more at once (what a reply continues) is left to the row
MOST_WAITING = 4_000_000  # characters, of all replies together; beyond, everything that waits is dropped
LENGTH = 256  # entries kept of a stream: ten seconds or more; the row is never older than about one
EXPIRY = 300  # seconds after the last entry

# One script instead of one XADD per reply in a pipeline, with one argument per entry: the client library takes 12 µs of
# CPU for a command and half a one for an argument. An id that is not greater was written before, by a call that
# seemed to time out.
WRITE = f"""
local failure = false
for i, key in ipairs(KEYS) do
  local id, kind, value = string.match(ARGV[i], '^(%S+) (%S+) (.*)$')
  local added = redis.pcall('XADD', key, 'MAXLEN', '~', '{LENGTH}', id, kind, value)
  if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller', 1, true) then
    failure = added.err
  else
    redis.pcall('EXPIRE', key, {EXPIRY})
  end
end
return failure
"""


class _Outgoing:
    __slots__ = ("beside", "end", "is_waiting", "key", "notice", "number", "parts", "thoughts")

    def __init__(self, key: str) -> None:
        self.key = key
        self.end = 0
        self.number = 1
        self.parts: list[str] = []
        self.beside: list[Entry] = []
        self.is_waiting = False
        self.notice = ""  # the last entry beside the text, if it was one
        self.thoughts = _Thoughts()

    def take(self) -> list[Entry]:
        """What waits, in the order of its ids."""
        self.is_waiting = False
        entries, self.beside = self.beside, []
        entries += self.thoughts.take()
        text, self.parts = "".join(self.parts), []
        if text and len(text) <= LONGEST_ENTRY:
            entries.append(Entry(self.end, 1, TEXT, text))
        return sorted(entries) if len(entries) > 1 else entries


class _Thoughts:
    """The reasoning that waits, as one entry; `at`: the id of the last of it."""

    __slots__ = ("at", "end", "milliseconds", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.end = self.milliseconds = 0
        self.at = (0, 0)

    def add(self, text: str, milliseconds: int, at: tuple[int, int]) -> None:
        self.parts.append(text)
        self.end += len(text)
        self.milliseconds, self.at = milliseconds, at

    def take(self) -> list[Entry]:
        text, self.parts = "".join(self.parts), []
        if not text or len(text) > LONGEST_ENTRY:
            return []
        return [Entry(*self.at, THOUGHTS, thoughts_value(self.end, self.milliseconds, text))]


class Pump:
    def __init__(self, loop: asyncio.AbstractEventLoop, redis: Redis, prefix: str, outage: Outage) -> None:
        self._loop = loop
        self._write = redis.register_script(WRITE)
        self._prefix = prefix
        self._outage = outage
        self._back_off = BackOff()
        self._replies: dict[UUID, _Outgoing] = {}
        self._moved: list[_Outgoing] = []
        self._waiting = 0  # characters
        self._awake = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task | None = None

    def open(self, generation_id: UUID) -> None:
        self._replies[generation_id] = _Outgoing(stream_key(self._prefix, generation_id))

    def add(self, generation_id: UUID, text: str) -> None:
        outgoing = self._replies.get(generation_id)
        if outgoing is None:
            return
        outgoing.parts.append(text)
        outgoing.end += len(text)
        outgoing.number = 1
        self._waiting += len(text)
        if not outgoing.is_waiting or self._waiting > MOST_WAITING:
            self._move(outgoing)

    def add_thoughts(self, generation_id: UUID, text: str, milliseconds: int) -> None:
        outgoing = self._replies.get(generation_id)
        if outgoing is None:
            return
        outgoing.number += 1
        outgoing.thoughts.add(text, milliseconds, (outgoing.end, outgoing.number))
        self._waiting += len(text)
        if not outgoing.is_waiting or self._waiting > MOST_WAITING:
            self._move(outgoing)

    def add_beside(self, generation_id: UUID, kind: str, value: str = "") -> None:
        """A notice or a mark, after the text so far."""
        if outgoing := self._replies.get(generation_id):
            outgoing.number += 1
            outgoing.notice = value if kind == NOTICE else ""
            outgoing.beside.append(Entry(outgoing.end, outgoing.number, kind, value))
            self._move(outgoing)

    def end(self, generation_id: UUID) -> None:
        """The last mark, with the title once more: whoever hears the one must not miss the other. Then forget it."""
        if outgoing := self._replies.get(generation_id):
            self.add_beside(generation_id, ENDED, outgoing.notice)
            del self._replies[generation_id]

    async def aclose(self) -> None:
        """Write what waits. Takes as long as two calls of Redis at most."""
        self._closing.set()
        self._awake.set()
        if self._task:
            await asyncio.wait([self._task], timeout=2 * TIMEOUT + INTERVAL)
            self._task.cancel()

    def _move(self, outgoing: _Outgoing) -> None:
        if not outgoing.is_waiting:
            outgoing.is_waiting = True
            self._moved.append(outgoing)
            self._awake.set()
        if self._task is None and not self._closing.is_set():
            self._task = self._loop.create_task(self._run(), context=contextvars.Context())
        if self._waiting > MOST_WAITING:
            self._take()

    def _take(self) -> tuple[list[str], list[str]]:
        """All that waits, as the keys and arguments of the script."""
        moved, self._moved, self._waiting = self._moved, [], 0
        self._awake.clear()
        keys: list[str] = []
        arguments: list[str] = []
        for outgoing in moved:
            for entry in outgoing.take():
                keys.append(outgoing.key)
                arguments.append(f"{entry.end}-{entry.number} {entry.kind} {entry.value}")
        return keys, arguments

    async def _run(self) -> None:
        while True:
            await self._awake.wait()
            pause = await self._send(*self._take())
            if self._closing.is_set() and not self._moved:
                return
            await wait_at_most(pause, self._closing)

    async def _send(self, keys: list[str], arguments: list[str]) -> float:
        """Returns how many seconds to wait for the next time."""
        if not keys:
            return INTERVAL
        try:
            async with asyncio.timeout(TIMEOUT):
                if failure := await self._write(keys, arguments):
                    raise ResponseError(failure)
        except Exception as error:  # whatever a client raises for a server that went away
            self._outage.began(error)
            return self._back_off.next()
        self._outage.ended()
        self._back_off.reset()
        return INTERVAL
