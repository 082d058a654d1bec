"""What is past its day goes by itself: guests of trials that ended, copies of chats whose links closed long ago."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from django.utils import timezone

from chatsite.sharing import trials
from chatsite.sharing.models import SharedLink
from conversations.streaming.executors import in_database

logger = logging.getLogger("chatsite.sharing")
INTERVAL = 3600.0  # seconds
FIRST_AFTER = 60.0  # a process that starts has better things to do
BETWEEN_BATCHES = 1.0
BATCH = 20  # guests; the thread that deletes them is the one that others write with
KEPT_DAYS = 30  # that a closed link still stands in its owner's list


async def sweep() -> None:
    """For as long as the process lives. Several processes may do it at once: what is gone is gone."""
    pause = FIRST_AFTER
    while True:
        await asyncio.sleep(pause)
        try:
            pause = BETWEEN_BATCHES if await in_database(sweep_once) else INTERVAL
        except Exception as error:  # the database or the store is away; the next round finds the same
            logger.warning("Guests and old links could not be removed: %s", type(error).__name__)
            pause = INTERVAL


def sweep_once() -> int:
    """Returns how many guests were removed. Raises StoreUnavailable."""
    SharedLink.objects.filter(expires_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)).delete()
    return trials.remove_guests(trials.ended_guests()[:BATCH])
