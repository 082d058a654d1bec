"""A reply while this process writes it: its text, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from conversations.cleaning import Cleaner, clean
from conversations.guards import ReplyGuards
from conversations.models import Generation
from conversations.reasoning import OFF, OPENED, TAGS, Splitter, mode_of, split_whole
from conversations.streaming.joint import Joint
from conversations.streaming.thoughts import Thoughts
from conversations.types import NOTHING, ChatRequest, Delta, Message, Usage

FINISH_REASON_MAX_LENGTH = 20
MOST_TOKENS = 2**31 - 1  # what the column holds


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reply ended: a Generation.Status other than in_progress, and why."""

    status: str
    finish_reason: str = ""
    error_code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may answer: the alias of its connection, its id there, its label and ChatModel pk.

    `context_size` in tokens, None if unknown. `parameters` are handed to the connection with each request.
    """

    backend: str
    model_id: str = ""
    label: str = ""
    pk: int | None = None
    context_size: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False)


@dataclass(slots=True)
class LiveReply:
    """`candidates`: who may answer, in order; `candidate` is who does.

    `prefix`: the text that this reply continues; `joint` joins it with what a model says that was asked to go on.
    `thoughts`: what the model thinks, which is no part of the text; of a reply that goes on it begins with what was
    `thought_before`, in `thought_for` milliseconds.
    """

    generation_id: UUID
    candidates: tuple[Candidate, ...]
    request: ChatRequest
    wants_title: bool = False
    prefix: str = ""
    joint: Joint | None = None
    thought_before: str = ""
    thought_for: int = 0
    generation: Generation | None = None
    """The row as it was accepted; once `outcome` is decided, as it was decided, which may have been by another."""
    is_stored: bool = False
    candidate: Candidate = field(init=False)
    thoughts: Thoughts = field(init=False)
    task: asyncio.Task | None = None
    outcome: Outcome | None = None
    cancelled_as: str = ""
    is_concluding: bool = False
    finish_reason: str = ""
    usage: Usage = field(default_factory=Usage)
    checkpointed: int = 0
    length: int = 0
    is_opened: bool = False
    """Its reasoning came without an opening tag: the chat template had opened the block."""
    _is_answering: bool = False
    _splitter: Splitter | None = None
    _parts: list[str] = field(default_factory=list)
    _cleaner: Cleaner = field(default_factory=Cleaner)
    _guards: ReplyGuards = field(default_factory=ReplyGuards)

    def __post_init__(self) -> None:
        self.candidate = self.candidates[0]
        self.thoughts = Thoughts(ReplyGuards, self.thought_before, self.thought_for)
        self._add(self.prefix)
        self.checkpointed = self.length

    @property
    def backend(self) -> str:
        """The alias of the connection that answers."""
        return self.candidate.backend

    @property
    def said_before(self) -> list[Message]:
        """The branch that is answered, without the system prompt and without the text that is continued."""
        said = [message for message in self.request.messages if message.role != "system"]
        if self.prefix:
            return said[: max(place for place, message in enumerate(said) if message.role == "assistant")]
        return said

    def take(self, delta: Delta) -> str:
        """Add a delta and return the clean text that readers may see now; what it adds to `thoughts` is fresh there."""
        if delta.usage:
            self.usage = Usage(_count(delta.usage.prompt_tokens), _count(delta.usage.completion_tokens))
        if delta.finish_reason:
            self.finish_reason = delta.finish_reason[:FINISH_REASON_MAX_LENGTH]
        if delta.metadata and (reasoning := delta.metadata.get("reasoning")):
            self.thoughts.add(reasoning)
            self._is_answering = False
        if not delta.text:
            return ""
        text = self._cleaner.feed(delta.text)
        if not self._is_answering:
            text = self._answer_in(text)
        return self._add(self._join(self._guards.feed(text)))

    def finish(self) -> str:
        """What cleaning, splitting, guards and joining still held back."""
        rest = self._cleaner.finish()
        if self._splitter:
            rest = self._answer_in(rest)
            thoughts, held = self._splitter.finish()
            self.thoughts.add_clean(thoughts)
            rest += held
        self.thoughts.pause()
        rest = self._join(self._guards.feed(rest) + self._guards.finish())
        return self._add(rest + self.joint.finish() if self.joint else rest) + self._reconsidered()

    def _answer_in(self, text: str) -> str:
        """What of the text is no reasoning. Asked only until the answer has begun: it costs more than most tokens."""
        if self._splitter is None:
            self._splitter = Splitter(self._reasoning_mode)
        thoughts, answer = self._splitter.feed(text)
        if thoughts:
            self.thoughts.add_clean(thoughts)
        if answer:
            self.thoughts.pause()
        self._is_answering = self._splitter.is_past
        return answer

    @property
    def _reasoning_mode(self) -> str:
        mode = mode_of(self.candidate.parameters)
        goes_on_in_text = self.prefix and not self.joint  # then no template opens anything
        return TAGS if mode == OPENED and (self.thoughts.is_running or goes_on_in_text) else mode

    def _reconsidered(self) -> str:
        """At the end it may turn out that what seemed to be reasoning is the answer (which is returned), or reversely.

        Readers who saw it otherwise get the whole with the last frame.
        """
        if self.prefix:
            return ""
        splitter = self._splitter
        if splitter and splitter.is_inside and not splitter.has_seen_tag and self.finish_reason == "stop":
            return self._add(self.thoughts.forget())  # it answered without thinking
        if self.thoughts.length or mode_of(self.candidate.parameters) == OFF:
            return ""
        if parts := split_whole(self.text):
            self.thoughts.keep(parts[0])
            self._parts, self.length, self.is_opened = [parts[1]], len(parts[1]), True
        return ""

    def _join(self, text: str) -> str:
        text = clean(text)  # guards may be anybody's
        return self.joint.feed(text) if self.joint else text

    def _add(self, text: str) -> str:
        if text:
            self._parts.append(text)
            self.length += len(text)
        return text

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""


def _count(tokens: int | None) -> int | None:
    """What an upstream counted, unless it cannot be a count."""
    return tokens if tokens is not None and 0 <= tokens <= MOST_TOKENS else None
