"""Delete for good what has been in the trash for long enough: `manage.py empty_trash`. The site does it each hour."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import ngettext

from conversations import services
from conversations.errors import StoreUnavailable


class Command(BaseCommand):
    help = (
        "Deletes for good the chats that have been in the trash for CHAT_TRASH_DAYS. A running site does the same "
        "each hour; this is for sites that sleep, and for whoever wants it done now."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = services.empty_trash()
        except StoreUnavailable as error:
            raise CommandError(f"{error} What is not deleted yet, the site or the next run will delete.") from None
        if options["verbosity"]:
            sentence = ngettext(
                "{count} chat is gone for good. In the trash stays what was deleted in the last {days} days.",
                "{count} chats are gone for good. In the trash stays what was deleted in the last {days} days.",
                count,
            )
            self.stdout.write(sentence.format(count=count, days=settings.CHAT_TRASH_DAYS))
