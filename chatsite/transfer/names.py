"""Names of files that hold chats: every system takes them, and a title cannot lead anywhere."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 60  # characters; most systems allow 255 bytes
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')


def file_name(title: str, extension: str, *, number: int | None = None) -> str:
    """For example `00042 A title.json`. What no file may be called is left out; a title of nothing else is `chat`."""
    text = "".join(
        " " if unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs", "Cn") else letter for letter in title
    )
    text = " ".join(_FORBIDDEN.sub(" ", unicodedata.normalize("NFC", text)).split())[:LONGEST].strip(" .")
    stem = text or "chat"
    return f"{stem}.{extension}" if number is None else f"{number:05d} {stem}.{extension}"
