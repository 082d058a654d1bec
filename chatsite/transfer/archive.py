"""All that is a person's as one zip, made while it is sent: at no time is more of it in memory than one chat.

What cannot be read does not spoil the rest: `report.txt`, the last file of the archive, names it.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatsite.transfer import belongings
from chatsite.transfer.documents import markdown
from chatsite.transfer.envelope import envelope
from chatsite.transfer.names import file_name
from conversations import services
from conversations.errors import ChatError, NotFound, StoreUnavailable
from conversations.models import Conversation
from conversations.streaming.executors import answer_by, in_database, in_store
from conversations.threads import in_thread
from conversations.types import Transcript

FORMAT = "chatsite.export"
GIVE_UP_AFTER = 5  # chats in a row for which the storage did not answer: each may take seconds
REPORT = "report.txt"


class _Sink:
    """A file that is only ever written to; what was written is taken away at once."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


@dataclass
class Archive:
    """Each call returns the bytes that have become certain."""

    written: int = 0
    failures: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    """Sentences about what is no chat."""

    def __post_init__(self) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w", ZIP_DEFLATED)

    def begin(self, user, total: int) -> bytes:
        """Who exported what: importers look here first."""
        facts = {
            "format": FORMAT,
            "version": 1,
            "site": settings.SITE_NAME,
            "user": user.get_username(),
            "exported_at": timezone.now().isoformat(),
            "chats": total,
        }
        return self._add("manifest.json", json.dumps(facts, ensure_ascii=False, indent=2), timezone.now())

    def add_files(self, files: Sequence[belongings.File]) -> bytes:
        """What is no chat."""
        self.beside += [file.said for file in files]
        return b"".join(self._add(file.name, file.text, timezone.now()) for file in files)

    def add(self, conversation: Conversation, transcript: Transcript) -> bytes:
        self.written += 1
        name = str(conversation)
        moment = conversation.updated_at
        lossless = self._add(
            f"chats/{file_name(name, 'json', number=self.written)}", envelope(conversation, transcript), moment
        )
        readable = self._add(
            f"markdown/{file_name(name, 'md', number=self.written)}", markdown(conversation, transcript), moment
        )
        return lossless + readable

    def fail(self, title: str, conversation_id: UUID, reason: str) -> None:
        self.failures.append(f"{' '.join(title.split())} ({conversation_id})\n    {reason}")

    def end(self) -> bytes:
        last = self._add(REPORT, self._report(), timezone.now())
        self._zip.close()
        return last + self._sink.take()

    def _report(self) -> str:
        lines = [
            ngettext("{count} chat is in this archive.", "{count} chats are in this archive.", self.written).format(
                count=self.written
            ),
            *self.beside,
        ]
        if self.failures:
            sentence = ngettext(
                "{count} chat could not be read and is missing. Export it again later, or tell an administrator:",
                "{count} chats could not be read and are missing. Export them again later, or tell an administrator:",
                len(self.failures),
            )
            lines += ["", sentence.format(count=len(self.failures)), "", *self.failures]
        return "\n".join(lines) + "\n"

    def _add(self, name: str, text: str, moment: datetime) -> bytes:
        info = ZipInfo(name, date_time=max(timezone.localtime(moment).timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
        info.compress_type, info.external_attr = ZIP_DEFLATED, 0o600 << 16
        self._zip.writestr(info, text.encode())
        return self._sink.take()


async def everything(user) -> AsyncIterator[bytes]:
    """The archive, piece by piece, as fast as it is taken."""
    answer_by.set(math.inf)  # the answer has begun; it may last as long as it takes
    archive, unanswered = Archive(), 0
    ids = await in_database(_ids, user)
    yield await in_thread(archive.begin, user, len(ids))
    yield await in_thread(archive.add_files, await in_database(belongings.files, user))
    for pk in ids:
        found, title, problem = await in_store(_read, user, pk, unanswered >= GIVE_UP_AFTER)
        unanswered = unanswered + 1 if isinstance(problem, StoreUnavailable) else 0
        if found:
            yield await in_thread(archive.add, *found)
        elif problem:
            archive.fail(title, pk, problem.message)
    yield await in_thread(archive.end)


def _ids(user) -> list[UUID]:
    return list(services.all_of(user).values_list("pk", flat=True))


def _read(user, pk: UUID, has_given_up: bool) -> tuple[tuple[Conversation, Transcript] | None, str, ChatError | None]:
    """The chat with its text; or its title and why it cannot be read; or nothing, if it was deleted meanwhile."""
    try:
        conversation = with_all(user, pk)
    except NotFound:
        return None, "", None
    try:
        if has_given_up:
            raise StoreUnavailable(_("The storage had stopped answering."))
        return (conversation, services.read(conversation)), "", None
    except ChatError as error:
        return None, str(conversation), error


def with_all(user, pk: UUID) -> Conversation:
    """With what an export says of it. Raises NotFound."""
    rows = Conversation.objects.for_user(user).select_related("model", "persona", "folder").prefetch_related("feedback")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("This chat does not exist."))
    return found
