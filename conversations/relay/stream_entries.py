"""How a reply stands in its Redis Stream: one entry for text that was joined, or for something beside it.

An entry's id is `<characters of the reply up to its end>-<number>`, so a reader's cursor is a stream id, and
overlaps and gaps show by themselves. Text is number 1 at its offset; notices, marks and reasoning follow it. The value
of reasoning begins with an offset of its own: `<characters of the reasoning up to its end>:<milliseconds>:<text>`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from conversations.types import Delta

TEXT, THOUGHTS, NOTICE, DECIDED, ENDED = "t", "r", "n", "d", "e"


class Entry(NamedTuple):
    """`end`: characters of the reply up to here. `value`: text, or a notice as JSON; a mark has none but the last."""

    end: int
    number: int
    kind: str
    value: str

    @property
    def id(self) -> str:
        return f"{self.end}-{self.number}"


def stream_key(prefix: str, generation_id: UUID) -> str:
    return f"{prefix}:reply:{generation_id.hex}"


def notice_value(delta: Delta) -> str:
    return json.dumps(dict(delta.metadata), ensure_ascii=False)


def notice_delta(value: str) -> Delta:
    return Delta(metadata=json.loads(value))


def thoughts_value(end: int, milliseconds: int, text: str) -> str:
    return f"{end}:{milliseconds}:{text}"


def parse_thoughts(value: str) -> tuple[int, str, int]:
    """Where they end, the text, and for how many milliseconds the model has thought."""
    end, milliseconds, text = value.split(":", 2)
    return int(end), text, int(milliseconds)


def parse_answer(answer: Any) -> Iterator[tuple[str, list[Entry]]]:
    """The keys and entries in an answer to XREAD.

    Servers, protocols and clients differ: pairs of key and entries in a list, or a dict, whose values some wrap in
    one more list; the fields of an entry as a dict or as a flat list. None and empty answers have nothing.
    """
    streams = answer.items() if isinstance(answer, Mapping) else answer or ()
    for key, found in streams:
        entries = found[0] if len(found) == 1 and isinstance(found[0], list) and not _is_entry(found[0]) else found
        yield _text(key), [entry for raw in entries if (entry := _entry(raw))]


def _is_entry(value: Any) -> bool:
    return len(value) == 2 and isinstance(value[0], bytes | str)


def _entry(raw: Any) -> Entry | None:
    """None for an empty one, which clients put in the place of an entry that was trimmed meanwhile."""
    entry_id, fields = raw
    if not fields:
        return None
    kind, value = next(iter(fields.items())) if isinstance(fields, Mapping) else fields[:2]
    end, _, number = _text(entry_id).partition("-")
    return Entry(int(end), int(number), _text(kind), _text(value))


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
