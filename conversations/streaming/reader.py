"""One reader of a feed: gets what its cursor lacks, and then each frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from django.conf import settings

from conversations.streaming import sessions
from conversations.streaming.feed import Feed
from conversations.streaming.frames import Cursor, encode


@dataclass(eq=False, slots=True)
class Reader:
    visitor: sessions.Visitor | None
    feed: Feed
    dismissed: bool = False


async def reached(feed: Feed, cursor: Cursor) -> None:
    """Wait until a feed has what its reader has seen elsewhere: a row may be older, and its text would come twice."""
    patience = settings.CHAT_CLOCK_INTERVAL + 2 * settings.CHAT_POLL_INTERVAL
    try:
        async with asyncio.timeout(patience):
            while not _has_reached(feed.cursor, cursor) and not feed.ended:
                await feed.wait()
    except TimeoutError:
        pass  # a cursor that fits nothing: the reader starts anew


def _has_reached(at: Cursor, wanted: Cursor) -> bool:
    return at.characters >= wanted.characters and at.thoughts >= wanted.thoughts


async def read(reader: Reader, cursor: Cursor | None) -> AsyncIterator[bytes]:
    """What this cursor lacks, and then whatever comes, until nothing follows or the reader is dismissed."""
    feed, seen = reader.feed, cursor
    position: int | None = None  # None: what is missing must be caught up first
    if seen and any(seen) and not any(feed.cursor):  # or the page would add the whole to what it has
        yield b"".join([encode("reset", {"html": "", "tail": ""}, Cursor()), *feed.catch_up(seen)[0]])
        position, seen = feed.position, feed.cursor
    while not reader.dismissed:
        if position is None:
            frames, seen = feed.catch_up(seen)
            position = feed.position if seen == feed.cursor else None
            for frame in frames:
                yield frame
        elif (news := feed.read(position)) is None:  # fell behind
            position = None
        else:
            position, (frame, at) = feed.position, news
            seen = at or seen
            if frame:
                yield frame
            elif feed.ended:
                return
            else:
                await feed.wait()
