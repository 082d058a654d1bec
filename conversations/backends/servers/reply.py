"""A reply as `/chat/completions` streams it: from chunks to deltas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from conversations.backends.servers.citations import Citations
from conversations.backends.servers.frame import Frame
from conversations.backends.servers.refusal import Refusal
from conversations.backends.servers.sentences import Sentences
from conversations.errors import BackendError
from conversations.types import Delta, Usage

DONE: Final[Mapping[str, Any]] = MappingProxyType({"done": True})
"""Stands for `data: [DONE]` among the chunks."""

Chunk = Mapping[str, Any] | bytes
"""A chunk of a reply, or the payload of an event that holds one."""

_scan = json.JSONDecoder().raw_decode
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
        self._frame = Frame()
        self._citations = Citations()
        self.finish_reason: str | None = None
        self.is_cut = False

    def parse(self, payload: bytes) -> Mapping[str, Any]:
        """One payload of the event stream as a chunk. Raises BackendError for what is not UTF-8, JSON and an object."""
        if payload[:1] != b"{" and payload.strip() == b"[DONE]":
            return DONE
        try:
            chunk, end = _scan(text := payload.decode().strip())
        except (ValueError, RecursionError):
            raise self._sentences.malformed() from None
        if end != len(text) or not isinstance(chunk, dict):
            raise self._sentences.malformed()
        return chunk

    def read_all(self, chunks: Iterable[Chunk]) -> Iterator[Delta]:
        """What these chunks add, text that arrived together as one delta. Raises what `read` raises after it."""
        texts: list[str] = []
        try:
            for chunk in chunks:
                news = self._read_payload(chunk) if isinstance(chunk, bytes) else self.read(chunk)
                if isinstance(news, str):
                    texts.append(news)
                elif news is not None:
                    if texts:
                        yield Delta("".join(texts))
                        texts = []
                    yield news
        except Exception:
            if texts:
                yield Delta("".join(texts))
            raise
        if texts:
            yield Delta("".join(texts))

    def _read_payload(self, payload: bytes) -> str | Delta | None:
        """As `parse` and `read`, quicker for one that differs from another before in nothing but its text."""
        if text := self._frame.text_in(payload):
            return None if self.is_cut else self._taken(text, "")
        news = self.read(chunk := self.parse(payload))
        if isinstance(news, str):
            self._frame.learn(payload, chunk)
        return news

    def read(self, chunk: Mapping[str, Any]) -> str | Delta | None:
        """What the chunk adds: text, a delta that is not text alone, or nothing.

        Raises BackendError for an error inside the stream and for a chunk of another shape.
        """
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
            self._citations.read(chunk, {})
            return None
        try:
            choice = choices[0]
            part = choice.get("delta") or choice.get("message") or {}
            text, reasoning = part.get("content"), part.get("reasoning_content") or part.get("reasoning")
            text, reasoning = _text(text), _text(reasoning)
            self._citations.read(chunk, part)
            if reason := choice.get("finish_reason"):
                self._note(reason)
        except (AttributeError, TypeError, KeyError):
            raise self._sentences.malformed() from None
        return self._taken(text, reasoning) if text or reasoning else None

    def end(self) -> Delta | None:
        """The last delta, or None if the stream just stopped: then nobody knows whether the reply is whole.

        Raises BackendError if nothing was said.
        """
        if not self._has_text:
            raise self._silence()
        if not (self.finish_reason or self._usage or self._citations.is_fresh):
            return None
        return Delta(finish_reason=self.finish_reason, usage=self._usage, metadata=self._named())

    def _note(self, reason: str) -> None:
        if reason in _GIVEN_UP:
            self._is_given_up = True
        elif self.finish_reason in (None, "stop"):  # some servers say why a reply was cut, and then that it stopped
            self.finish_reason = _FINISH.get(reason, "stop")

    def _taken(self, text: str, reasoning: str) -> str | Delta:
        self._room -= len(text) + len(reasoning)
        if self._room < 0:
            text = text[: self._room] if text else text
            self.finish_reason, self.is_cut = "length", True
        if not self._has_text:
            self._has_text = not (text.isspace() or not text)
        if reasoning:
            self._has_reasoning = True
            return Delta(text, metadata={"reasoning": reasoning})
        if self._citations.is_fresh and self._has_text:
            return Delta(text, metadata=self._named())
        return text

    def _named(self) -> dict[str, Any]:
        """The answer's sources, once there are new ones: with its text, so that they are kept if it is cut short."""
        return {"sources": self._citations.take()} if self._citations.is_fresh else {}

    def _silence(self) -> BackendError:
        if self.finish_reason == "content_filter":
            return self._sentences.filtered()
        if self.finish_reason == "length" and self._has_reasoning:
            return self._sentences.only_thought(is_cut=True)
        if self.finish_reason is None:
            return self._sentences.broken_off(begun=self._has_reasoning)
        error = self._sentences.only_thought(is_cut=False) if self._has_reasoning else self._sentences.empty()
        if self.finish_reason == "stop":
            error.code = "empty"  # it had nothing to say, which is no failure of a reply that goes on
        return error


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
