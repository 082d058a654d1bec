"""The writer: one per process (per event loop), whose tasks pull replies from backends. No reader owns them.

A generation task never touches the ORM or the store; the executors do. When a reply ends, the order is:
the row is decided, readers are told, the store follows, the title comes after. What a failing database or
store leaves undone, the clock does later.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from conversations.errors import ShuttingDown
from conversations.models import Generation
from conversations.relay import Relay, open_relay
from conversations.streaming import clock, finishing, outcome
from conversations.streaming.executors import in_database
from conversations.streaming.neighbours import Neighbours
from conversations.streaming.obituary import Obituary
from conversations.streaming.pulling import pull
from conversations.streaming.repeating import repeat
from conversations.streaming.reply import LiveReply, Outcome
from conversations.streaming.rounds import Rounds

logger = logging.getLogger(__name__)
Status = Generation.Status
MEMORY = 5.0  # seconds


class Writer:
    """All replies that this process is writing, and the clock that looks after them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.id: UUID | None = None
        self.relay: Relay = open_relay(loop)
        self.live: dict[UUID, LiveReply] = {}
        self._draining_since: float | None = None
        self.obituary = Obituary()
        self.neighbours = Neighbours()
        self.decided: dict[UUID, Generation] = {}
        """The rows of replies that ended here a moment ago, for their readers."""
        self._tasks: set[asyncio.Task] = set()
        self._ready = asyncio.Lock()
        self._clock: set[asyncio.Task] = set()
        self._rounds = Rounds(self)

    async def ready(self) -> UUID:
        """This process's id in the database, registering it at first. Raises ShuttingDown, or the database's error."""
        if self._draining_since is not None:
            raise ShuttingDown(_("The site is restarting. Try again in a moment."))
        async with self._ready:
            if self.id is None:
                self.id = await in_database(clock.register)
                self._clock = {self.spawn(repeat(*round_)) for round_ in self._rounds.all()}
        return self.id

    def launch(self, reply: LiveReply) -> None:
        """Begin to write an accepted turn."""
        self.live[reply.generation_id] = reply
        self.relay.open(reply.generation_id)
        if thoughts := reply.thoughts.take():
            self.relay.publish_thoughts(reply.generation_id, thoughts, reply.thoughts.milliseconds)
        if reply.prefix:
            self.relay.publish(reply.generation_id, reply.prefix)
        reply.task = self.spawn(self._write(reply))
        reply.task.add_done_callback(lambda _task: self._never_ran(reply))

    def _never_ran(self, reply: LiveReply) -> None:
        """A task cancelled before its first step runs no line of its coroutine, and so decides nothing."""
        if reply.outcome is None:
            reply.outcome = Outcome(reply.cancelled_as or Status.INTERRUPTED)
            self.spawn(self.conclude(reply))

    def stop(self, generation_id: UUID) -> bool:
        """Cancel a reply of this process; its upstream connection is closed. False if it is not here."""
        reply = self.live.get(generation_id)
        if reply is None or reply.task is None:
            return False
        self.cancel(reply, Status.CANCELLED)
        return True

    def is_silent(self, writer_id: UUID | None) -> bool:
        """Whether the process that holds a reply is gone (None) or silent for so long that its owner may settle it."""
        return writer_id is None or (writer_id != self.id and self.obituary.is_silent(writer_id))

    def spawn(self, coroutine) -> asyncio.Task:
        """A task with a context of its own: a request's context would tie a thread and a connection to it."""
        task = asyncio.create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def drain(self) -> None:
        """Take no more turns."""
        self._draining_since = self._draining_since or time.monotonic()

    async def shutdown(self) -> None:
        """Give replies the rest of their grace, then interrupt them, and settle everything."""
        self.drain()
        deadline = self._draining_since + settings.CHAT_SHUTDOWN_GRACE
        running = [reply.task for reply in self.live.values() if reply.task]
        if running:
            await asyncio.wait(running, timeout=max(0.0, deadline - time.monotonic()))
        self._interrupt()
        await self._settle_until(self._draining_since + settings.CHAT_SHUTDOWN_EXIT)
        for task in self._clock:
            task.cancel()
        await self.relay.aclose()
        if self.id and not self.live:
            await in_database(clock.resign, self.id)

    async def _settle_until(self, end: float) -> None:
        """Until all is settled; what a database that is away refuses, the clock goes on trying.

        Turns that were being accepted when the grace ended begin only now, and are interrupted too.
        """
        while self._tasks and (self.live or self._tasks - self._clock) and (left := end - time.monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=min(left, 0.1), return_when=asyncio.FIRST_COMPLETED)
            self._interrupt()

    def _interrupt(self) -> None:
        for reply in list(self.live.values()):
            self.cancel(reply, Status.INTERRUPTED)

    @staticmethod
    def cancel(reply: LiveReply, status: str) -> None:
        """End it as a Generation.Status says, unless it has ended."""
        if reply.outcome is None and not reply.cancelled_as:
            reply.cancelled_as = status
            reply.task.cancel()

    async def _write(self, reply: LiveReply) -> None:
        with translation.override(reply.language):
            reply.outcome = await pull(reply, self.relay)
        reply.learn()
        await self.conclude(reply)

    async def conclude(self, reply: LiveReply) -> None:
        """Decide the row; if that fails, the reply stays live and the clock calls this again."""
        if reply.is_concluding:
            return
        reply.is_concluding = True
        reply.is_read = self.relay.is_read(reply.generation_id)
        try:
            with translation.override(reply.language):
                won = await in_database(outcome.settle, reply, reply.outcome, self.id)
        except outcome.REFUSALS:
            logger.exception("Reply %s could not be written", reply.generation_id)
            reply.outcome = outcome.unwritable()
            return
        except Exception as error:  # whatever a database raises: nothing is lost while the reply is in memory
            logger.warning("A reply waits for the database: %s", type(error).__name__)
            return
        finally:
            reply.is_concluding = False
        self.live.pop(reply.generation_id, None)
        if won and reply.generation:
            self._remember(reply.generation)
        self.relay.close(reply.generation_id)  # decided, by this process or another: readers learn it from the row
        try:
            if won:
                await finishing.finish(self.relay, reply)
        finally:
            self.relay.end(reply.generation_id)

    def _remember(self, row: Generation) -> None:
        self.decided[row.pk] = row
        asyncio.get_running_loop().call_later(MEMORY, self.decided.pop, row.pk, None)


_writers: WeakKeyDictionary[asyncio.AbstractEventLoop, Writer] = WeakKeyDictionary()


def current_writer() -> Writer:
    """The writer of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _writers:
        _writers[loop] = Writer(loop)
    return _writers[loop]
