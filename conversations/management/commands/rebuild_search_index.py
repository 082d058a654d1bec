"""Make all conversations findable anew: `manage.py rebuild_search_index`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from tqdm import tqdm

from conversations.cleaning import whole_number
from conversations.errors import ChatError, StoreUnavailable
from conversations.indexing import KEPT
from conversations.models import Conversation
from conversations.streaming.catching_up import index_chat

GIVE_UP_AFTER = 5  # conversations in a row for which the store did not answer
LINE_EVERY = 1000  # conversations, where no bar can be drawn


class Command(BaseCommand):
    help = (
        "Reads all conversations from the store and writes the search index anew. The site may go on meanwhile, and "
        "whatever is stopped goes on with --missing. A site does by itself what is missing; this is quicker, and mends "
        "an index that was damaged or belongs to another store."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--missing", action="store_true", help="Only what the index does not know yet.")
        parser.add_argument("--user", metavar="ID", help="Only the conversations of the user with this id.")

    def handle(self, *args: Any, **options: Any) -> None:
        chats = Conversation.objects.filter(deleted_at=None, **KEPT)
        if options["user"] is not None:
            chats = chats.filter(user_id=_number(options["user"]))
        if not options["missing"]:
            chats.update(is_indexed=False)  # so that it can be stopped, and go on
        self._index_all(chats.filter(is_indexed=False), afresh=not options["missing"])

    def _index_all(self, chats: QuerySet[Conversation], *, afresh: bool) -> None:
        # The oldest first: the index keeps the order in which entries came in.
        pks = list(chats.order_by("updated_at").values_list("pk", flat=True))
        done = failed = 0
        try:
            with tqdm(total=len(pks), unit=" conversations", disable=None, leave=False) as bar:
                for pk in pks:
                    failed += not self._index(pk, afresh=afresh)
                    done += 1
                    bar.update()
                    if bar.disable and done % LINE_EVERY == 0:
                        self.stdout.write(_("{number} of {total} conversations.").format(number=done, total=len(pks)))
        except KeyboardInterrupt:
            hint = _("Stopped. Run the command with --missing, and it goes on from here.")
            raise CommandError(hint, returncode=130) from None
        self.stdout.write(self._summary(done - failed, afresh))
        if failed:
            raise CommandError(
                ngettext(
                    "{count} conversation could not be read. Run the command with --missing to try it once more.",
                    "{count} conversations could not be read. Run the command with --missing to try them once more.",
                    failed,
                ).format(count=failed)
            )

    def _summary(self, count: int, afresh: bool) -> str:
        if afresh:
            sentence = ngettext(
                "{count} conversation can be found by search.", "{count} conversations can be found by search.", count
            )
        else:
            sentence = ngettext(
                "{count} conversation was missing in the search and can be found now.",
                "{count} conversations were missing in the search and can be found now.",
                count,
            )
        return sentence.format(count=count)

    def _index(self, pk: Any, *, afresh: bool) -> bool:
        """False if it could not be done. Raises CommandError once the store has stopped answering."""
        chat = Conversation.objects.filter(pk=pk, deleted_at=None).only("pk", "user_id").first()
        if chat is None:
            return True  # deleted meanwhile
        try:
            index_chat(chat, afresh=afresh)
        except ChatError as error:
            with tqdm.external_write_mode(sys.stderr):
                self.stderr.write(f"{chat.user_id}/{chat.pk}: {error}")
            self._unanswered = self._unanswered + 1 if isinstance(error, StoreUnavailable) else 0
            if self._unanswered >= GIVE_UP_AFTER:
                raise CommandError(
                    _("The store has stopped answering. Run the command with --missing when it does.")
                ) from error
            close_old_connections()
            return False
        self._unanswered = 0
        return True

    _unanswered = 0


def _number(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise CommandError(_("“{user}” is not the id of a user.").format(user=text))
    return number
