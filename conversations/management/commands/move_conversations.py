"""Move the documents of conversations to another store: `manage.py move_conversations`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.checks import ERROR
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from django.utils.translation import gettext as _
from tqdm import tqdm

from conversations.errors import ChatError, StoreUnavailable
from conversations.stores import ConversationStore, build_store
from conversations.stores.moving import Mover, Outcome
from conversations.types import Key

LINE_EVERY = 100  # conversations, where no bar can be drawn
GIVE_UP_AFTER = 5  # conversations in a row for which a store did not answer


class Command(BaseCommand):
    help = """Copies the documents of all conversations from one store to another, and compares them by checksum.

The names are those of the setting CONVERSATION_STORES: database, and s3 once AWS_STORAGE_BUCKET_NAME is set.
It may be stopped and started again: what is there already is skipped. To change a site's store:

  1. Set the bucket's variables, and leave CONVERSATION_STORE as it is, so that the site stays where it is.
  2. Run this command; the site may go on.
  3. Stop the site and run it again, for what was said meanwhile.
  4. Set CONVERSATION_STORE=s3 and start the site.
  5. When all is well, run it once more with --delete, to empty the old store."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> ArgumentParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="source", required=True, metavar="STORE", help="Where they are.")
        parser.add_argument("--to", dest="target", required=True, metavar="STORE", help="Where they are to be.")
        parser.add_argument("--user", metavar="ID", help="Only the conversations of the user with this id.")
        parser.add_argument("--dry-run", action="store_true", help="Compare, and say what would be done.")
        parser.add_argument("--delete", action="store_true", help="Remove from the source what has been verified.")

    def handle(self, *args: Any, **options: Any) -> None:
        source, target, delete = options["source"], options["target"], options["delete"]
        if source == target:
            raise CommandError(_("Give two different stores for --from and --to."))
        mover = Mover(_build(source), _build(target), _is_in_use(target), options["dry_run"], delete)
        if delete and _is_in_use(source):
            raise CommandError(
                _(
                    "The site still keeps its conversations in {store}, so nothing can be deleted there. Move without "
                    "--delete, let the site use the other store (CONVERSATION_STORE), then move again with --delete."
                ).format(store=source)
            )
        try:
            if not mover.dry_run:
                mover.target.probe()
            keys = list(mover.source.keys(options["user"]))
        except ChatError as error:
            raise CommandError(_told(error)) from error
        except ValueError:
            raise CommandError(_("“{user}” is not the id of a user.").format(user=options["user"])) from None
        self._move_all(mover, keys)

    def _move_all(self, mover: Mover, keys: list[Key]) -> None:
        try:
            with tqdm(total=len(keys), unit=" conversations", disable=None, leave=False) as bar:
                self._move_each(mover, keys, bar)
        except KeyboardInterrupt:
            hint = _("Stopped. Nothing is lost: run the same command again, and it goes on from here.")
            raise CommandError(hint, returncode=130) from None
        finally:
            self.stdout.write(_summary(mover, len(keys)))
        if mover.counts[Outcome.FAILED]:
            raise CommandError(
                _("Some conversations were not moved. Run the same command again to try them once more.")
            )

    def _move_each(self, mover: Mover, keys: list[Key], bar: tqdm) -> None:
        """Raises CommandError when a store has stopped answering."""
        unanswered = 0
        for number, key in enumerate(keys, 1):
            try:
                mover.move(key)
                unanswered = 0
            except ChatError as error:
                with tqdm.external_write_mode(sys.stderr):
                    self.stderr.write(f"{key.user_id}/{key.conversation_id}: {_told(error)}")
                unanswered = unanswered + 1 if isinstance(error, StoreUnavailable) else 0
            if unanswered:
                close_old_connections()  # a broken one would fail all that follow
            bar.update()
            if bar.disable and number % LINE_EVERY == 0:
                self.stdout.write(_("{number} of {total} conversations.").format(number=number, total=len(keys)))
            if unanswered == GIVE_UP_AFTER:
                raise CommandError(_("A store has stopped answering. Run the same command again when it does."))


def _build(name: str) -> ConversationStore:
    """Raises CommandError for a store that is not in the settings, or wrongly configured."""
    config = settings.CONVERSATION_STORES.get(name)
    if config is None:
        known = ", ".join(settings.CONVERSATION_STORES)
        raise CommandError(
            _("There is no store “{name}” in the settings. There is: {known}.").format(name=name, known=known)
        )
    store = build_store(config)
    wrong = [f"{message.msg} {message.hint}" for message in store.check() if message.level >= ERROR]
    if wrong:
        raise CommandError(" ".join(wrong))
    return store


def _is_in_use(name: str) -> bool:
    return settings.CONVERSATION_STORES[name] == settings.CONVERSATION_STORE


def _told(error: ChatError) -> str:
    """The sentence, and for whoever runs the site the reason behind it."""
    return f"{error} ({error.__cause__})" if error.__cause__ else str(error)


def _summary(mover: Mover, total: int) -> str:
    """One sentence; what did not occur is left out."""
    names = {
        Outcome.COPIED: _("{count} to be copied") if mover.dry_run else _("{count} copied"),
        Outcome.MERGED: _("{count} to be merged") if mover.dry_run else _("{count} merged"),
        Outcome.THERE: _("{count} there already"),
        Outcome.GONE: _("{count} left out because they were deleted meanwhile"),
        Outcome.FAILED: _("{count} failed"),
    }
    parts = [_("{total} in all").format(total=total)]
    parts += [name.format(count=mover.counts[outcome]) for outcome, name in names.items() if mover.counts[outcome]]
    if rest := total - mover.counts.total():
        parts.append(_("{count} not reached").format(count=rest))
    return _("Conversations: {parts}.").format(parts=", ".join(parts))
