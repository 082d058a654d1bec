"""Who may send a large file, known before its first byte is kept.

The limit on bodies stands before log-in and CSRF, which need the body. The address that the import form is sent to
holds a signed word that this person was here a while ago: with it a large body passes, without it none does. It opens
nothing else, so it does no harm in a log.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.core import signing

PREFIX = "/transfer/import/"
SALT = "transfer.upload"
MAX_AGE = 12 * 60 * 60  # seconds that a page with the form may stand open
COPIES = 3  # of an upload on the disk: as it comes, as Django parses it, and as it is kept


def new_ticket(user) -> str:
    return signing.dumps(user.pk, salt=SALT)


def holder(ticket: str) -> int | None:
    """The pk of whoever it was made for; None if it is too old, or none at all."""
    try:
        return int(signing.loads(ticket, salt=SALT, max_age=MAX_AGE))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def sender(scope) -> int | None:
    """The pk of whoever may send a larger body by this request than others may."""
    path = scope.get("path", "")
    if scope.get("method") != "POST" or not path.startswith(PREFIX):
        return None
    return holder(path.removeprefix(PREFIX).rstrip("/"))


def allowance() -> int:
    """How many bytes such a body may have."""
    return min(settings.CHAT_MAX_IMPORT_SIZE + settings.DATA_UPLOAD_MAX_MEMORY_SIZE, room_on_disk())


def room_on_disk() -> int:
    """Bytes of an upload for which there is room."""
    folder = Path(settings.IMPORT_DIR)
    there = next((parent for parent in (folder, *folder.parents) if parent.is_dir()), Path("/"))
    return shutil.disk_usage(there).free // COPIES
