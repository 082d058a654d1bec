"""Other processes beside this one: fine for a deploy, and with Redis; else somebody must be told."""

from __future__ import annotations

import logging

from django.conf import settings

logger = logging.getLogger(__name__)

NOTE = (
    "Another process serves this site, and no Redis connects them: answers that it writes are shown here a second "
    "late, and each process counts failed log-ins for itself. Set REDIS_URL, or run one process."
)


class Neighbours:
    """`notes` are sentences for whoever runs the site; empty while all is well."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def look(self, count: int) -> None:
        """Take note of `count` other processes that have run for longer than a deploy takes; log it when it changes."""
        is_told = bool(self.notes)
        self.notes = [NOTE] if count and not settings.REDIS_URL else []
        if self.notes and not is_told:
            logger.warning(NOTE)
        elif is_told and not self.notes:
            logger.info("No other process serves this site any more, or Redis connects them.")
