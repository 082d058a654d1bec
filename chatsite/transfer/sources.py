"""The file that somebody sent: JSON, or a zip with JSON in it. Nothing is unpacked onto the disk.

A zip is judged by its table of contents, before anything in it is read: its size, its names, and what its files would
grow to. Python's zipfile gives no more of a file than the table says, so that is a bound.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from chatsite.transfer import belongings
from chatsite.transfer.problems import FileRefused

CHUNK = 64 * 1024
MOST_CONTENTS = 4_000_000  # bytes of a zip's table of contents: some forty thousand files
MOST_GROWTH = 100  # times; text that people wrote grows to ten or twenty times its packed size
SMALL = 10_000_000  # bytes that may grow as they like
GROWTH_OF_ALL = 4  # times CHAT_MAX_IMPORT_SIZE
_CHATS = re.compile(r"conversations(-\d+)?\.json", re.IGNORECASE)
_OWN = re.compile(r"chats/[^/]+\.json")
# Beside the chats, in the exports of ChatGPT, Claude and this site.
NO_CHATS = {
    *("user.json", "users.json", "message_feedback.json", "model_comparisons.json", "shared_conversations.json"),
    *("export_manifest.json", "conversation_asset_file_names.json", "projects.json", "memories.json", "manifest.json"),
    *("user_settings.json", "group_chats.json", "sora.json", "shopping.json", "basispoints.json"),
    belongings.PREFERENCES,
}


@dataclass(frozen=True)
class Source:
    """`length` in bytes, all files together. Reading raises FileRefused where the file is damaged."""

    length: int
    _zip: zipfile.ZipFile | None = None
    _members: list[zipfile.ZipInfo] = field(default_factory=list)
    _file: io.BufferedReader | None = None

    def files(self) -> Iterator[Iterator[bytes]]:
        """Of each file that may hold chats its bytes."""
        if self._file is not None:
            yield iter(lambda: self._file.read(CHUNK), b"")
        for member in self._members:
            yield self._unpacked(member)

    def _unpacked(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        try:
            with self._zip.open(member) as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise FileRefused(_damaged(member.filename)) from error
        except (NotImplementedError, RuntimeError) as error:
            raise FileRefused(
                _(
                    "“{name}” is packed in a way that cannot be read here. Pack the files again as an ordinary zip."
                ).format(name=_shown(member.filename))
            ) from error


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Raises FileRefused for what is neither JSON nor a zip, and for a zip that nobody's export looks like."""
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            yield from _zip_source(file)
            return
        file.seek(0)
        if file.read(CHUNK).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"[", b"{"):
            raise FileRefused(_("This is no export of chats: choose the zip or the JSON file that you were sent."))
        file.seek(0)
        yield Source(path.stat().st_size, _file=file)


def _zip_source(file: io.BufferedReader) -> Iterator[Source]:
    try:
        archive = zipfile.ZipFile(_Careful(file))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise FileRefused(_("This zip is damaged or incomplete. Download it again, and send it once more.")) from error
    with archive:
        for member in archive.infolist():
            _check_name(member)
        members = _with_chats(archive.infolist())
        if not members:
            raise FileRefused(_("There are no chats in this zip: no JSON file that an export would have."))
        _check_growth(members)
        yield Source(sum(member.file_size for member in members), archive, members)


class _Careful:
    """A file as zipfile wants it, which never reads a table of contents of any size at once."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self.seek, self.tell, self.close, self.seekable = file.seek, file.tell, lambda: None, file.seekable

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MOST_CONTENTS:
            rest = self._file.seek(0, io.SEEK_CUR)
            end = self._file.seek(0, io.SEEK_END)
            self._file.seek(rest)
            if size >= 0 or end - rest > MOST_CONTENTS:
                raise FileRefused(_("This zip holds too many files. Take out those that are no chats, and try again."))
        return self._file.read(size)


def _check_name(member: zipfile.ZipInfo) -> None:
    """Nothing is written under these names; but whoever made one that leads out of the archive means no good."""
    name = member.orig_filename.replace("\\", "/")
    if name.startswith("/") or ".." in PurePosixPath(name).parts or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise FileRefused(
            _("A name in this zip leads out of it: “{name}”. No export is made so, so nothing of it was read.").format(
                name=_shown(name)
            )
        )


def _with_chats(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Those that are called as chats are; of this site with what else is a person's.

    If none is, every JSON file that is not known for something else.
    """
    files = [one for one in members if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    called = [one for one in files if _CHATS.fullmatch(PurePosixPath(one.filename).name)]
    own = [one for one in files if _OWN.fullmatch(one.filename)]
    beside = [one for one in files if one.filename in belongings.FILES] if own else []
    others = [
        one
        for one in files
        if one.filename.lower().endswith((".json", ".jsonl")) and PurePosixPath(one.filename).name not in NO_CHATS
    ]
    by_name = sorted(called or own or others, key=lambda one: one.filename)
    return by_name if called else beside + by_name  # what chats refer to comes in before them


def _check_growth(members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        if member.file_size > max(SMALL, member.compress_size * MOST_GROWTH):
            raise FileRefused(
                _("“{name}” would grow to more than {times} times its size. That is no export of chats.").format(
                    name=_shown(member.filename), times=MOST_GROWTH
                )
            )
    most = GROWTH_OF_ALL * settings.CHAT_MAX_IMPORT_SIZE
    if sum(member.file_size for member in members) > most:
        raise FileRefused(
            _("Unpacked, the chats in this zip have more than {size}. Import them in several parts.").format(
                size=filesizeformat(most)
            )
        )


def _damaged(name: str) -> str:
    return _("“{name}” in this zip is damaged. Download the export again, and send it once more.").format(
        name=_shown(name)
    )


def _shown(name: str) -> str:
    """Names are whatever somebody put there."""
    return "".join(letter if letter.isprintable() else "�" for letter in name)[:100]
