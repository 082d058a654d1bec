"""A step that is done again and again, whatever happens to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from django.conf import settings

logger = logging.getLogger(__name__)


async def repeat(step: Callable[[], Awaitable[None]], interval: str) -> None:
    """Wait as long as the setting `interval` says (seconds), do the step, and so on. Never returns, never raises.

    A step that failed is tried again no sooner than the clock ticks: the log of an outage shall stay readable.
    """
    pause = getattr(settings, interval)
    while True:
        await asyncio.sleep(pause)
        pause = getattr(settings, interval)
        try:
            await step()
        except Exception as error:  # the database is away: nothing is lost, the next time is soon
            logger.warning("The clock will try again: %s: %s", type(error).__name__, error)
            pause = max(pause, settings.CHAT_CLOCK_INTERVAL)
