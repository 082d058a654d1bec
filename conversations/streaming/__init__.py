"""Writing replies and following them: see writer.py (who writes), follow.py (who reads), outcome.py (how it ends)."""

from __future__ import annotations

import asyncio

from conversations import backends
from conversations.rendering import warm_up
from conversations.streaming.endings import finished_frames, mark_read
from conversations.streaming.follow import current_readers, follow, is_followed_up, is_written_here
from conversations.streaming.frames import Cursor, parse_cursor
from conversations.streaming.sessions import Visitor
from conversations.streaming.writer import current_writer

__all__ = [
    "Cursor",
    "Visitor",
    "begin_shutdown",
    "current_writer",
    "finished_frames",
    "follow",
    "is_followed_up",
    "is_written_here",
    "mark_read",
    "notes",
    "parse_cursor",
    "shutdown",
    "startup",
]


async def startup() -> None:
    """Make this process known and start its clock, so that what a dead process left is settled at once."""
    writer = current_writer()
    await writer.ready()
    writer.spawn(asyncio.to_thread(warm_up))
    writer.spawn(asyncio.to_thread(backends.prepare_all))


def notes() -> list[str]:
    """What whoever runs the site should know, as sentences; it serves all the same."""
    return list(current_writer().neighbours.notes)


def begin_shutdown() -> None:
    """Take no more messages and send readers away; running replies go on. Called on the loop. Idempotent."""
    current_writer().drain()
    current_readers().close()


async def shutdown() -> None:
    """Give running replies the rest of their grace, interrupt them, settle everything. Idempotent."""
    begin_shutdown()
    await current_writer().shutdown()
    await backends.aclose_all()
