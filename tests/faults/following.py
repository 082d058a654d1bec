"""Following a reply as the page does: it comes back from where it was, until the reply is done (follow.js)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from random import Random

from tests.faults.browser import GUARD, Browser, until
from tests.faults.journal import Journal
from tests.faults.page import ReplyState

COMES_BACK = 0.3  # how many readers lose their connection on the way


async def read(
    browser: Browser, path: str, state: ReplyState, journal: Journal, rng: Random, leaves_after: int | None = None
) -> None:
    """Follow a reply to its end, through as many connections as it takes, or for some events."""
    events, goes_at = 0, rng.randrange(1, 10) if rng.random() < COMES_BACK else None
    async for _left in until(GUARD, 0.1):
        async with aclosing(browser.follow(path, state)) as steps:
            async for _step in _until_done(steps, state):
                events += 1
                if leaves_after is not None and events >= leaves_after:
                    return
                if events == goes_at:
                    break
        if state.status or state.ended:
            return
        journal.resumed += 1
    journal.wrong.append(f"blocked: a reader of {path} saw no end within {GUARD:g} s")


async def _until_done(steps: AsyncIterator[None], state: ReplyState) -> AsyncIterator[None]:
    async for step in steps:
        yield step
        if state.status:
            return
