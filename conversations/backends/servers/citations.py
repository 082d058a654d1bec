"""The sources of an answer, in the shapes in which servers send them beside its text.

`annotations` of a message or a delta (OpenAI, OpenRouter), `search_results` or `citations` of a chunk (Perplexity, xAI,
LiteLLM), `context.citations` of a message (Azure OpenAI on your data).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.sources import MOST, Source, clean_sources, joined


class Citations:
    """What one reply has named so far. Whatever has another shape is passed over: it spoils no answer."""

    __slots__ = ("_counted", "_noted", "is_fresh")

    def __init__(self) -> None:
        self._counted: list[Source] = []  # whole lists, whose numbers stand in the text
        self._noted: list[Source] = []  # one by one, as they come
        self.is_fresh = False

    def read(self, chunk: Mapping[str, Any], part: Mapping[str, Any]) -> None:
        """Of a chunk, and of the delta or the message in it."""
        context = part.get("context")
        inner = context.get("citations") if isinstance(context, Mapping) else None
        for whole in filter(None, (chunk.get("search_results"), chunk.get("citations"), inner)):
            if self._counts(whole):
                break
        if notes := part.get("annotations"):
            self._note(notes)

    def take(self) -> list[Source]:
        """All of them, once there are new ones."""
        self.is_fresh = False
        return joined(self._counted, self._noted)

    def _counts(self, whole: Any) -> bool:
        """Whether this is a list of sources."""
        found = clean_sources([_named(one) for one in whole[:MOST]]) if isinstance(whole, list) else []
        if found and found != self._counted:
            self._counted, self.is_fresh = found, True
        return bool(found)

    def _note(self, notes: Any) -> None:
        known = [note for note in notes[:MOST] if isinstance(note, Mapping)] if isinstance(notes, list) else []
        found = joined(self._noted, clean_sources([note.get("url_citation") for note in known]))
        if found != self._noted:
            self._noted, self.is_fresh = found, True


def _named(one: Any) -> Any:
    """An address alone, or an object that may call its file what others call a title."""
    if isinstance(one, str):
        return {"url": one}
    if isinstance(one, Mapping):
        return {"title": one.get("title") or one.get("filepath"), "url": one.get("url")}
    return None
