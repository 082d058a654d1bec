"""A transcript as JSON text, and back. The only place that knows the document's fields.

    {"schema": 1, "user_id": …, "conversation_id": …, "leaf": id or null, "messages": [
        {"id", "parent_id": id or null, "role", "content", "created_at": ISO 8601 in UTC, "metadata": {…}}]}

Also "set_aside", the ids of what followed where the end was moved back to (services/turning_back.py), and in temporary
chats "system_prompt" (stores/temporary.py). Fields that this version does not know, a newer schema number included, are
kept as they are. Equal transcripts make equal bytes, so documents can be compared by checksum.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import CorruptDocument, TooLarge
from conversations.types import NOTHING, Key, Message, Transcript

SCHEMA = 1
FIELDS = {"schema", "user_id", "conversation_id", "leaf", "messages"}
MESSAGE_FIELDS = {"id", "parent_id", "role", "content", "created_at", "metadata"}

# Django's encoder, because metadata may hold lazy translations, times and UUIDs.
_encoder = DjangoJSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_unclean = re.compile(r"[\ud800-\udfff]|\\u0000")


class _Broken(ValueError):
    """Says which field, never what stands in it."""


def dumps(key: Key, transcript: Transcript) -> str:
    """The document: clean text (cleaning.py), compact. Raises TooLarge beyond CHAT_MAX_DOCUMENT_SIZE bytes."""
    text = canonical(key, transcript)
    if len(text.encode()) > settings.CHAT_MAX_DOCUMENT_SIZE:
        raise TooLarge(_("This chat has become too long to be kept. Start a new one."))
    return text


def canonical(key: Key, transcript: Transcript) -> str:
    """The document whatever its size: what a store keeps, byte for byte."""
    return _encode(_as_data(key, transcript))


def loads(text: str | bytes, key: Key, version: str | None = None) -> Transcript:
    """The transcript in a document. Raises CorruptDocument, naming the key and the field but no content."""
    return _read(lambda: _decode(text), key, version)


def of_data(data: Any, key: Key) -> Transcript:
    """The transcript in a document that was decoded already, by whoever found it in a file. Raises as `loads`."""
    return _read(lambda: _cleaned(data), key, None)


def _read(decode: Callable[[], Any], key: Key, version: str | None) -> Transcript:
    try:
        return _as_transcript(decode(), version)
    except _Broken as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    raise CorruptDocument(
        _("The stored document of this chat is damaged ({key}: {reason}). It has to be restored from a backup.").format(
            key="/".join(key), reason=reason
        )
    )


def checksum(key: Key, transcript: Transcript) -> str:
    """SHA-256 of the canonical document, whatever store it came from; hexadecimal."""
    return hashlib.sha256(canonical(key, transcript).encode()).hexdigest()


def _as_data(key: Key, transcript: Transcript) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        **transcript.extra,
        "user_id": key.user_id,
        "conversation_id": key.conversation_id,
        "leaf": transcript.leaf,
        "messages": [_as_message_data(message) for message in transcript.messages],
    }


def _as_message_data(message: Message) -> dict[str, Any]:
    return {
        **message.extra,
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role,
        "content": message.content,
        "created_at": _utc(message.created_at).isoformat(timespec="microseconds"),
        "metadata": dict(message.metadata),
    }


def _as_transcript(data: Any, version: str | None) -> Transcript:
    if not isinstance(data, dict):
        raise _Broken("it is not a JSON object")
    extra = _unknown(data, FIELDS)
    if _field(data, "schema", int) != SCHEMA:
        extra["schema"] = data["schema"]
    messages = tuple(_as_message(item) for item in _field(data, "messages", list))
    return Transcript(messages, _field(data, "leaf", str, default=None), version, extra)


def _as_message(data: Any) -> Message:
    if not isinstance(data, dict):
        raise _Broken("messages holds something else")
    return Message(
        role=_field(data, "role", str),
        content=_field(data, "content", str),
        id=_field(data, "id", str),
        parent_id=_field(data, "parent_id", str, default=None),
        created_at=_time(_field(data, "created_at", str)),
        metadata=_field(data, "metadata", dict, default=NOTHING),
        extra=NOTHING if data.keys() <= MESSAGE_FIELDS else _unknown(data, MESSAGE_FIELDS),
    )


def _unknown(data: dict[str, Any], known: set[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in known}


_REQUIRED = object()


def _field(data: dict[str, Any], name: str, kind: type, default: Any = _REQUIRED) -> Any:
    value = data.get(name)
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _Broken(f"{name} is missing or of another type")
    return value


def _time(text: str) -> datetime:
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise _Broken("created_at is not a time") from None


def _utc(time: datetime) -> datetime:
    """A time without a zone is taken for UTC."""
    if time.tzinfo is UTC:
        return time
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _encode(data: dict[str, Any]) -> str:
    try:
        text = _encoder.encode(data)
    except ValueError:  # NaN and infinity, which JSON lacks
        return _encoder.encode(_cleaned(data))
    return _encoder.encode(_cleaned(data)) if _unclean.search(text) else text


def _decode(text: str | bytes) -> Any:
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        data = json.loads(text)
    except ValueError:
        raise _Broken("it is not JSON") from None
    # Most documents hold no escape at all: others may have been written by another hand.
    return _cleaned(data) if "\\u" in text else data


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name) if isinstance(name, str) else name: _cleaned(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
