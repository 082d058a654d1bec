"""Waiting for an event, but not longer than a while."""

from __future__ import annotations

import asyncio


async def wait_at_most(seconds: float, event: asyncio.Event) -> None:
    """Return when the event is set, or after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
