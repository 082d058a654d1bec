"""Delete visitors of trials, with all that they wrote."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatsite.sharing import trials
from chatsite.sharing.models import Guest
from conversations.errors import StoreUnavailable


class Command(BaseCommand):
    help = "Deletes visitors of trials whose days have passed, and their chats. The site does this hourly by itself."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--all", action="store_true", help="Those of trials that are still open, too.")

    def handle(self, *args, **options) -> None:
        guests = Guest.objects.all() if options["all"] else trials.ended_guests()
        try:
            count = trials.remove_guests(guests)
        except StoreUnavailable as error:
            raise CommandError(_("Not all could be deleted: {reason}").format(reason=error.message)) from error
        sentence = ngettext("%(count)d visitor is deleted.", "%(count)d visitors are deleted.", count)
        self.stdout.write(sentence % {"count": count})
