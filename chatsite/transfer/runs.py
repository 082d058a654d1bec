"""Doing an import: reading the file from its beginning to its end, once to say what would come, once to take it in.

A run belongs to a thread, and to nobody's request. It may end at any point, with its process or because its owner no
longer wants it: what came in stays, and another run adds the rest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _

from chatsite.transfer import belongings, formats
from chatsite.transfer.decoding import decode
from chatsite.transfer.models import Import
from chatsite.transfer.pieces import Piece, pieces
from chatsite.transfer.problems import ChatRefused, FileRefused
from chatsite.transfer.reports import Report
from chatsite.transfer.sources import Source, opened
from conversations import services
from conversations.errors import ChatError, StoreUnavailable, TooLarge

logger = logging.getLogger(__name__)
BEAT = 0.5  # seconds between two notes of how far it is
# Other threads answer people meanwhile: a pause after each bite, and after each chat half as long as it took.
BREATH, LONGEST_PAUSE = 0.001, 0.05  # seconds
PIECE = 2  # times CHAT_MAX_DOCUMENT_SIZE may a chat have in its export, with all that is not taken in

MOST_CHATS = 50_000
GIVE_UP_AFTER = 5  # chats in a row for which the storage did not answer


class Superseded(Exception):
    """Its owner does not want it any more, or another thread has taken it over."""


@dataclass
class Run:
    job: Import
    runner: UUID

    def __post_init__(self) -> None:
        self._report = Report(self.job)
        self._beat_at = 0.0
        self._position = 0
        self._unanswered = 0
        self._known = 0
        chats = self.job.chats.filter(conversation_id__isnull=False) if self.job.is_confirmed else self.job.chats.none()
        self._done = set(chats.values_list("number", flat=True))

    def go(self) -> None:
        """Raises Superseded, FileRefused; StoreUnavailable when the storage has stopped answering."""
        if not self.job.path.is_file():
            raise FileRefused(_("The file is not on this server any more. Send it once more: nothing comes in twice."))
        try:
            with opened(self.job.path) as source:
                Import.objects.filter(pk=self.job.pk).update(length=source.length)
                self._read(source)
        finally:
            self._report.write()
        if not self._known:
            known = "ChatGPT, Claude, Open WebUI, LibreChat"
            raise FileRefused(
                _(
                    "There are no chats in this file. What can be imported comes from this site, or from: {sites}."
                ).format(sites=known)
            )

    def _read(self, source: Source) -> None:
        for number, piece in enumerate(self._pieces(source), 1):
            if number > MOST_CHATS:
                raise FileRefused(
                    _("There are more than {count} chats in this file. Import it in parts.").format(count=MOST_CHATS)
                )
            began = time.monotonic()
            self._take(number, piece)
            time.sleep(min((time.monotonic() - began) / 2, LONGEST_PAUSE))

    def _pieces(self, source: Source) -> Iterator[Piece]:
        read = 0
        for file in source.files():
            for piece in pieces(self._bites(file), PIECE * settings.CHAT_MAX_DOCUMENT_SIZE):
                self._position = read + piece.end
                yield piece
                self._note()
            read = self._position = max(self._position, read)

    def _bites(self, file: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in file:
            yield chunk
            time.sleep(BREATH)
            self._note()

    def _note(self) -> None:
        """How far it is, for whoever looks. Raises Superseded."""
        now = time.monotonic()
        if now - self._beat_at < BEAT:
            return
        self._beat_at = now
        rows = Import.objects.filter(pk=self.job.pk, runner=self.runner)
        if not rows.update(position=self._position, beat_at=timezone.now()):
            raise Superseded

    def _take(self, number: int, piece: Piece) -> None:
        """One chat, whatever comes of it; unless an earlier run of this import has taken it in."""
        if number in self._done:
            self._known += 1
            return
        data = None
        self._known += piece.problem == "large"  # whatever it was: its own line tells more than that nothing was found
        try:
            data = _decoded(piece)
            if kind := belongings.kind_of(data):
                return self._take_belonging(number, kind, data)
            found = formats.read(data, self.job.user_id)
            self._known += 1
            take = services.adopt if self.job.is_confirmed else services.foresee
            self._report.tell(number, found, *take(self.job.user, found.arrival))
            self._unanswered = 0
        except ChatError as error:
            source = formats.source_of(data)
            self._known += bool(source) and isinstance(error, ChatRefused)
            problem = _("It is too large for this site.") if isinstance(error, TooLarge) else error.message
            self._report.refuse(number, problem, source=source, title=formats.title_of(data))
            self._unanswered = self._unanswered + 1 if isinstance(error, StoreUnavailable) else 0
            if self._unanswered >= GIVE_UP_AFTER:
                raise
        except DatabaseError as error:
            if not isinstance(error, IntegrityError | DataError):
                raise
            self._tell_unforeseen(number, data, _("It could not be stored. Try again in a few minutes."))
        except Exception:  # a chat that nobody foresaw spoils no other
            problem = _("It could not be read. That has been noted; tell an administrator.")
            self._tell_unforeseen(number, data, problem)

    def _take_belonging(self, number: int, kind: belongings.Kind, data: dict[str, Any]) -> None:
        """A folder, a persona, a saved prompt."""
        self._known += 1
        title = kind.title(data)
        try:
            fate = belongings.take_in(self.job.user, kind, data, is_confirmed=self.job.is_confirmed)
        except ChatError as error:
            self._report.refuse(number, error.message, source=kind.name, title=title)
        else:
            self._report.tell_beside(number, kind.name, title, fate)

    def _tell_unforeseen(self, number: int, data: Any, problem: str) -> None:
        logger.exception("A chat could not be imported")
        self._report.refuse(number, problem, source=formats.source_of(data), title=formats.title_of(data))


def _decoded(piece: Piece):
    """Raises ChatRefused."""
    if piece.problem == "large":
        raise ChatRefused(_("It is too large for this site."))
    if piece.problem == "deep":
        raise ChatRefused(_("It is nested too deeply."))
    if piece.problem == "cut":
        raise ChatRefused(_("The file ends in the middle of it. Download the export again, and send it once more."))
    try:
        return decode(piece)
    except (ValueError, RecursionError):
        raise ChatRefused(_("It is damaged: this part of the file is no valid JSON.")) from None
