"""What a process that writes replies does again and again, whatever else happens in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from conversations.models import Generation
from conversations.streaming import clock, outcome
from conversations.streaming.catching_up import CatchingUp
from conversations.streaming.executors import in_database
from conversations.streaming.finishing import Outbox

if TYPE_CHECKING:
    from conversations.streaming.writer import Writer

Status = Generation.Status


class Rounds:
    """Of one writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._outbox = Outbox()
        self._catching_up = CatchingUp()
        self._idle: set[UUID] = set()  # rows in progress of this process that no task was writing at the last tick

    def all(self) -> Iterator[tuple[Callable[[], Awaitable[None]], str]]:
        """Each with the setting that has its interval. Apart, so that none waits for another."""
        yield self._tick, "CHAT_CLOCK_INTERVAL"
        yield self._watch, "CHAT_CLOCK_INTERVAL"
        yield self._chores, "CHAT_CLOCK_INTERVAL"
        yield self._catching_up.step, "CHAT_CLOCK_INTERVAL"
        yield self._stop_asked, "CHAT_STOP_INTERVAL"

    async def _tick(self) -> None:
        """A sign of life, the checkpoint, the claims: what must not wait for anything else."""
        writer = self._writer
        known = set(writer.live)  # a reply that begins during the query has no claim in its answer
        mine = await self._checkpoint()
        for reply in [reply for reply in writer.live.values() if reply.outcome]:
            writer.spawn(writer.conclude(reply))
        for reply in [writer.live[pk] for pk in known & writer.live.keys() - mine]:
            writer.cancel(reply, Status.INTERRUPTED)  # settled by somebody else: close the upstream
        # Accepted by this process, but never begun: the second time they are seen so, they are settled.
        idle = mine - writer.live.keys()
        if lost := [pk for pk in idle if pk in self._idle]:
            await in_database(outcome.settle_abandoned, lost)
        self._idle = idle

    async def _checkpoint(self) -> set[UUID]:
        """Save what moved; whose text the database refuses, fails. Returns the replies that are this process's."""
        writer = self._writer
        running = [reply for reply in writer.live.values() if not reply.outcome and not reply.is_temporary]
        moved = [reply for reply in running if reply.length != reply.checkpointed]
        thinking = [reply for reply in running if reply.thoughts.length != reply.thoughts.checkpointed]
        texts = [(reply.generation_id, reply.text) for reply in moved]
        thoughts = [(reply.generation_id, reply.thoughts.text, reply.thoughts.milliseconds) for reply in thinking]
        mine, refused = await in_database(clock.tick, writer.id, texts, thoughts)
        if refused is None:
            return mine
        for reply, (_pk, text) in zip(moved, texts, strict=True):
            reply.checkpointed = len(text)
        for reply, (_pk, text, _ms) in zip(thinking, thoughts, strict=True):
            reply.thoughts.checkpointed = len(text)
        for reply in running:
            if reply.generation_id in refused:
                writer.cancel(reply, Status.FAILED)
        return mine

    async def _stop_asked(self) -> None:
        """A Stop that reached another process: its upstream costs money, so it does not wait for the tick."""
        writer = self._writer
        if writer.live:
            for pk in await in_database(clock.stops, writer.id):
                writer.stop(pk)

    async def _watch(self) -> None:
        writer = self._writer
        await in_database(writer.obituary.watch, writer.id)
        writer.neighbours.look(writer.obituary.count_beside(settings.CHAT_DEPLOY_OVERLAP))

    async def _chores(self) -> None:
        """What the store is still to get."""
        await self._outbox.catch_up()
