"""A reply as `/chat/completions` streams it: from chunks to deltas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from conversations.backends.servers.refusal import Refusal
from conversations.backends.servers.sentences import Sentences
from conversations.errors import BackendError
from conversations.types import Delta, Usage

DONE: Final[Mapping[str, Any]] = MappingProxyType({"done": True})
"""Stands for `data: [DONE]` among the chunks."""

_FINISH = {"length": "length", "max_tokens": "length", "content_filter": "content_filter"}
_GIVEN_UP = {"error", "abort", "cancelled"}  # said by servers that went down: nothing cut off may look complete


class ReplyReader:
    """Reads the chunks of one reply. The finish reason and the usage are held back for the last delta."""

    def __init__(self, sentences: Sentences, model: str, max_length: int):
        """`max_length` in characters, reasoning included: what a reply is cut to that does not end by itself."""
        self._sentences = sentences
        self._model = model
        self._room = max_length
        self._has_text = False
        self._has_reasoning = False
        self._is_given_up = False
        self._usage: Usage | None = None
        self.finish_reason: str | None = None
        self.is_cut = False

    def parse(self, payload: bytes) -> Mapping[str, Any]:
        """One payload of the event stream as a chunk. Raises BackendError for what is not UTF-8, JSON and an object."""
        if payload.strip() == b"[DONE]":
            return DONE
        try:
            chunk = json.loads(payload.decode())
        except (ValueError, RecursionError):
            raise self._sentences.malformed() from None
        if not isinstance(chunk, dict):
            raise self._sentences.malformed()
        return chunk

    def read(self, chunk: Mapping[str, Any]) -> Delta | None:
        """What the chunk adds. Raises BackendError for an error inside the stream and for a chunk of another shape."""
        if self.is_cut:
            return None
        if chunk is DONE:
            self.finish_reason = self.finish_reason or (None if self._is_given_up else "stop")
            return None
        if chunk.get("error"):
            raise self._sentences.refused(Refusal.from_error(chunk), self._model)
        if chunk.get("usage"):
            self._usage = _usage(chunk["usage"])
        choices = chunk.get("choices")
        if not choices:
            return None
        try:
            choice = choices[0]
            part = choice.get("delta") or choice.get("message") or {}
            text, reasoning = _text(part.get("content")), _text(part.get("reasoning_content") or part.get("reasoning"))
            self._note(choice.get("finish_reason"))
        except (AttributeError, TypeError, KeyError):
            raise self._sentences.malformed() from None
        return self._delta(text, reasoning) if text or reasoning else None

    def end(self) -> Delta | None:
        """The last delta, or None if the stream just stopped: then nobody knows whether the reply is whole.

        Raises BackendError if nothing was said.
        """
        if not self._has_text:
            raise self._silence()
        return Delta(finish_reason=self.finish_reason, usage=self._usage) if self.finish_reason or self._usage else None

    def _note(self, reason: str | None) -> None:
        if reason in _GIVEN_UP:
            self._is_given_up = True
        elif reason:
            self.finish_reason = _FINISH.get(reason, "stop")

    def _delta(self, text: str, reasoning: str) -> Delta:
        self._room -= len(text) + len(reasoning)
        if self._room < 0:
            text = text[: self._room] if text else text
            self.finish_reason, self.is_cut = "length", True
        self._has_text = self._has_text or bool(text and not text.isspace())
        self._has_reasoning = self._has_reasoning or bool(reasoning)
        return Delta(text, metadata={"reasoning": reasoning}) if reasoning else Delta(text)

    def _silence(self) -> BackendError:
        if self.finish_reason == "content_filter":
            return self._sentences.filtered()
        if self.finish_reason == "length" and self._has_reasoning:
            return self._sentences.only_thought()
        if self.finish_reason is None:
            return self._sentences.broken_off(begun=False)
        return self._sentences.empty()


def _text(content: Any) -> str:
    """Content is text, or, with some servers, a list of parts. Raises TypeError for anything else."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content)
    raise TypeError(content)


def _usage(counts: Any) -> Usage | None:
    if not isinstance(counts, Mapping):
        return None
    prompt, completion = counts.get("prompt_tokens"), counts.get("completion_tokens")
    return Usage(prompt if isinstance(prompt, int) else None, completion if isinstance(completion, int) else None)
