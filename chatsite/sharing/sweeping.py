"""What is past its day goes by itself: guests of trials that ended, copies of chats whose links closed, sessions."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from chatsite.sharing import trials
from chatsite.sharing.models import SharedLink
from conversations.streaming.executors import in_database

logger = logging.getLogger("chatsite.sharing")
INTERVAL = 3600.0  # seconds
FIRST_AFTER = 60.0  # a process that starts has better things to do
BETWEEN_BATCHES = 1.0
BATCH = 20  # guests; the thread that deletes them is the one that others write with
SESSIONS = 500  # likewise
KEPT_DAYS = 30  # that a closed link still stands in its owner's list


async def sweep() -> None:
    """For as long as the process lives. Several processes may do it at once: what is gone is gone."""
    pause = FIRST_AFTER
    while True:
        await asyncio.sleep(pause)
        try:
            pause = BETWEEN_BATCHES if await in_database(sweep_once) else INTERVAL
        except Exception as error:  # the database or the store is away; the next round finds the same
            logger.warning("Guests, old links and sessions could not be removed: %s", type(error).__name__)
            pause = INTERVAL


def sweep_once() -> int:
    """Returns how many guests and sessions were removed: there may be more. Raises StoreUnavailable."""
    SharedLink.objects.filter(expires_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)).delete()
    return _remove_sessions() + trials.remove_guests(trials.ended_guests()[:BATCH])


def _remove_sessions() -> int:
    """Every log-in leaves one, every guest another; nobody else deletes those that have ended."""
    ended = Session.objects.filter(expire_date__lt=timezone.now()).values_list("pk", flat=True)
    keys = list(ended[:SESSIONS])
    Session.objects.filter(pk__in=keys).delete()
    return len(keys)
