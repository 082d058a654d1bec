"""Documents as objects in any S3-compatible bucket: conversations/<user id>/<conversation id>.json.

django-storages holds the connection's settings. It has no conditional calls, so reading and writing go
through its client: `If-None-Match: *` creates, `If-Match` replaces what was read.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from django.core.checks import CheckMessage
from django.utils.translation import gettext as _

from conversations.errors import ConflictError, StoreUnavailable
from conversations.stores.base import ConversationStore
from conversations.stores.document import dumps, loads
from conversations.stores.s3_bucket import Bucket, S3Options
from conversations.stores.s3_checks import check_options
from conversations.types import Key, Transcript

FOLDER = "conversations/"
KNOWN_OPTIONS = {field.name for field in fields(S3Options)}
_name = re.compile(rf"{FOLDER}([A-Za-z0-9_-]{{1,64}})/([A-Za-z0-9_-]{{1,64}})\.json")


def object_name(key: Key) -> str:
    """The object's name in the store's folder. Raises ValueError for ids that could lead out of it."""
    name = f"{FOLDER}{key.user_id}/{key.conversation_id}.json"
    if key_of(name) != key:
        raise ValueError(f"not the key of a conversation: {key!r}")
    return name


def key_of(name: str) -> Key | None:
    """The key that an object's name stands for; None for what is no conversation."""
    found = _name.fullmatch(name)
    return Key(*found.groups()) if found else None


class S3Store(ConversationStore):
    """A version is the object's ETag. For OPTIONS see S3Options."""

    def __init__(self, **options: Any):
        super().__init__(**{name: value for name, value in options.items() if name not in KNOWN_OPTIONS})
        self.options = S3Options(**options)
        self.bucket = Bucket(self.options)
        folder = self.options.prefix.strip("/")
        self._prefix = f"{folder}/" if folder else ""

    def load(self, key: Key) -> Transcript:
        found = self.bucket.get(self._name(key))
        if found is None:
            return Transcript()
        body, etag = found
        return loads(body, key, etag)

    def save(self, key: Key, transcript: Transcript) -> Transcript:
        text = dumps(key, transcript)
        etag = self.bucket.put(self._name(key), text.encode(), transcript.version)
        return loads(text, key, etag)

    def delete(self, key: Key, *, version: str | None = None) -> None:
        self.bucket.delete(self._name(key), version)

    def keys(self, user_id: str | None = None) -> Iterator[Key]:
        folder = self._prefix + FOLDER
        if user_id is not None:
            folder = self._name(Key(user_id, "any")).removesuffix("any.json")
        for name in self.bucket.names(folder):
            if key := key_of(name.removeprefix(self._prefix)):
                yield key

    def probe(self) -> None:
        """Write and remove one small object: are the rights there, and are conditions honoured?"""
        name = f"{self._prefix}{FOLDER}probe-{uuid.uuid4().hex}"
        self.bucket.get(name)  # without the right to list, absence is answered with a refusal
        self.bucket.put(name, b"{}", None)
        try:
            self.bucket.put(name, b"{}", None)
        except ConflictError:
            return
        finally:
            self.bucket.delete(name)
        raise StoreUnavailable(
            _("This bucket ignores conditional writes: chats could be overwritten there. Choose another S3 service.")
        )

    def check(self) -> Iterable[CheckMessage]:
        return check_options(self.options)

    def _name(self, key: Key) -> str:
        return self._prefix + object_name(key)
