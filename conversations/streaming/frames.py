"""What travels to a reader: server-sent events, each with an id that says how far the reader then is.

The id is `<characters>.<blocks>`, and `.<characters of the reasoning>` where there is any; opaque to browsers, which
send it back as Last-Event-ID. Characters are Python's (code points); no frame carries a length, because JavaScript
would count differently.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

HEARTBEAT = b": keep-alive\n\n"
RETRY_AFTER_MS = 1000
OPENING = b"retry: %d\n\n" % RETRY_AFTER_MS
END = "end"


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Cursor(NamedTuple):
    characters: int = 0
    blocks: int = 0
    thoughts: int = 0

    def __str__(self) -> str:
        characters, blocks, thoughts = self
        return f"{characters}.{blocks}.{thoughts}" if thoughts else f"{characters}.{blocks}"


def parse_cursor(text: str) -> Cursor | None:
    """The cursor of a Last-Event-ID, or None (start anew) for anything that is none."""
    numbers = text.split(".")
    if len(text) < 40 and len(numbers) in (2, 3) and all(part.isascii() and part.isdigit() for part in numbers):
        return Cursor(*map(int, numbers))
    return None


def encode_delta(text: str, cursor: Cursor) -> bytes:
    """As `encode` would: by far the most frequent frame."""
    characters, blocks, thoughts = cursor
    at = f"{characters}.{blocks}.{thoughts}" if thoughts else f"{characters}.{blocks}"
    return f'id: {at}\nevent: delta\ndata: {{"text":{_json(text)}}}\n\n'.encode()


def encode(event: str, data: dict[str, Any], event_id: str | Cursor | None = None) -> bytes:
    """One server-sent event. JSON escapes line breaks, so the data is always one line."""
    name = f"id: {event_id}\n" if event_id is not None else ""
    return f"{name}event: {event}\ndata: {_json(data)}\n\n".encode()
