"""A reply while this process writes it: its text, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.utils import translation

from conversations.cleaning import Cleaner, clean
from conversations.errors import Refused
from conversations.guards import Exchange, Part, ReplyGuards, check_title
from conversations.models import Generation
from conversations.reasoning import OPENED, TAGS, mode_of
from conversations.sources import Source, clean_sources, joined
from conversations.streaming.candidates import Candidate, Prompt
from conversations.streaming.joint import Joint
from conversations.streaming.stopwatch import Stopwatch
from conversations.streaming.thoughts import Thoughts
from conversations.types import ChatRequest, Delta, Message, Usage

FINISH_REASON_MAX_LENGTH = 20
MOST_TOKENS = 2**31 - 1  # what the column holds


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reply ended: a Generation.Status other than in_progress, and why."""

    status: str
    finish_reason: str = ""
    error_code: str = ""
    error: str = ""


@dataclass(slots=True)
class LiveReply:
    """`candidates`: who may answer, in order; `candidate` is who does. Without a `prompt` all get the same request.

    `prefix`: the text that this reply continues; `joint` joins it with what a model says that was asked to go on.
    `thoughts`: what the model thinks, which is no part of the text; of a reply that goes on it begins with what was
    `thought_before`, in `thought_for` milliseconds, and `sources` with the `sources_before`.
    """

    generation_id: UUID
    candidates: tuple[Candidate, ...]
    request: ChatRequest
    wants_title: bool = False
    prefix: str = ""
    joint: Joint | None = None
    thought_before: str = ""
    thought_for: int = 0
    sources_before: list[Source] = field(default_factory=list)
    prompt: Prompt | None = None
    prepared: str = ""
    """An answer that is ready: no model is asked."""
    generation: Generation | None = None
    """The row as it was accepted; once `outcome` is decided, as it was decided, which may have been by another."""
    is_stored: bool = False
    is_read: bool = False
    """Somebody was looking on, in this process, when it ended."""
    language: str | None = field(default_factory=translation.get_language)
    """Of whoever asked: in it stands what this site itself says about the reply."""
    beside: list[LiveReply] = field(default_factory=list, repr=False, compare=False)
    """All that answer the same message, this one among them, where models are compared: one of them gets the title."""
    candidate: Candidate = field(init=False)
    thoughts: Thoughts = field(init=False)
    sources: list[Source] = field(init=False)
    task: asyncio.Task | None = None
    outcome: Outcome | None = None
    cancelled_as: str = ""
    is_concluding: bool = False
    finish_reason: str = ""
    usage: Usage = field(default_factory=Usage)
    watch: Stopwatch = field(default_factory=Stopwatch)
    checkpointed: int = 0
    length: int = 0
    _parts: list[str] = field(default_factory=list)
    _cleaner: Cleaner = field(default_factory=Cleaner)
    _guards: ReplyGuards = field(init=False)

    def __post_init__(self) -> None:
        self._guards = ReplyGuards(self.exchange, self.prefix)
        self.candidate = self.candidates[0]
        self.forget_sources()
        guards = partial(ReplyGuards, partial(self.exchange, "reasoning"))
        self.thoughts = Thoughts(guards, self._reasoning_mode, self.thought_before, self.thought_for)
        self._add(self.prefix)
        self.checkpointed = self.length

    @property
    def is_temporary(self) -> bool:
        """Whether no text of it may be written to the database."""
        return self.generation is not None and self.generation.conversation.is_temporary

    @property
    def backend(self) -> str:
        """The alias of the connection that answers."""
        return self.candidate.backend

    @property
    def refusal(self) -> Refused | None:
        """Why a guard ended the reply, once one did."""
        return self._guards.refusal or self.thoughts.refusal

    def exchange(self, part: Part = "answer") -> Exchange:
        """What guards are told of this reply: who answers counts, also where another was chosen."""
        return self.exchange_with(self.candidate, part)

    def exchange_with(self, candidate: Candidate, part: Part) -> Exchange:
        where = self.request.user_id, self.request.conversation_id
        return Exchange(*where, candidate.pk, candidate.filter_level, part, is_temporary=self.is_temporary)

    @property
    def said_before(self) -> list[Message]:
        """The branch that is answered, without the system prompt and without the text that is continued."""
        return self.said_in(self.request)

    def said_in(self, request: ChatRequest) -> list[Message]:
        """As `said_before`, of what another candidate is asked."""
        said = [message for message in request.messages if message.role != "system"]
        if self.prefix:
            return said[: max(place for place, message in enumerate(said) if message.role == "assistant")]
        return said

    def request_for(self, candidate: Candidate) -> ChatRequest:
        """Raises BackendError for a model that cannot be asked this."""
        if self.prompt:
            return self.prompt.request_for(candidate)
        return replace(self.request, model=candidate.model_id, parameters=candidate.parameters)

    @property
    def has_own_system_prompt(self) -> bool:
        """Without a `prompt` nobody knows: then it is judged as if it were."""
        return self.prompt is None or self.prompt.has_own_system_prompt

    def learn(self) -> None:
        """How this model counts, now that it is over."""
        if self.prompt and self.usage.prompt_tokens:
            self.prompt.counted(self.candidate, self.request, self.usage.prompt_tokens)

    def take(self, delta: Delta) -> str:
        """Add a delta and return the clean text that readers may see now; what it adds to `thoughts` is fresh there."""
        if delta.usage:
            self.usage = Usage(_count(delta.usage.prompt_tokens), _count(delta.usage.completion_tokens))
        if delta.finish_reason:
            self.finish_reason = delta.finish_reason[:FINISH_REASON_MAX_LENGTH]
        if delta.metadata:
            self._take_beside(delta.metadata)
        if not delta.text:
            return ""
        text = self._cleaner.feed(delta.text)
        if self.thoughts.may_come:
            text = self.thoughts.take_from(text)
        return self._judge(self._join(text))

    def _take_beside(self, metadata: Mapping[str, Any]) -> None:
        if reasoning := metadata.get("reasoning"):
            self.thoughts.add(reasoning)
        if sources := clean_sources(metadata.get("sources")):
            self.sources = joined(self.sources_before, clean_sources(list(map(self._judged, sources))))

    def forget_sources(self) -> None:
        """Those of a model that failed before its first token are none of the next one's."""
        self.sources = self.sources_before

    def _judged(self, source: Source) -> Source:
        """Without its title if a guard refuses that: what people see of it then is its host."""
        return source | {"title": check_title(source["title"], self.exchange())} if "title" in source else source

    def finish(self) -> str:
        """What cleaning, telling thoughts apart, joining and guards still held back."""
        rest = self.thoughts.finish(self._cleaner.finish())
        rest = self._join(self.thoughts.forget() if self.prefix and self._is_all_answer else rest)
        rest = self._judge(rest + self.joint.finish() if self.joint else rest)
        return rest + self._add(clean(self._guards.finish())) + self._reconsidered()

    def _reconsidered(self) -> str:
        """At the end it may turn out that what seemed to be reasoning is the answer (which is returned), or reversely.

        Readers who saw it otherwise get the whole with the last frame.
        """
        if self.prefix:
            return ""
        if self._is_all_answer:
            return self._add(self.thoughts.forget())
        if answer := self.thoughts.found_in(self.text):
            self._parts, self.length = [answer], len(answer)
        return ""

    @property
    def _is_all_answer(self) -> bool:
        """At the end: whether what came as reasoning since this reply began, or went on, is the answer."""
        return self.thoughts.seem_to_be_answer and self.finish_reason == "stop"

    def _reasoning_mode(self) -> str:
        mode = mode_of(self.candidate.parameters)
        goes_on_in_text = self.prefix and not self.joint  # then no template opens anything
        return TAGS if mode == OPENED and goes_on_in_text else mode

    def _join(self, text: str) -> str:
        return self.joint.feed(text) if self.joint else text

    def _judge(self, text: str) -> str:
        """Guards come last: they see the text as it follows what is there already."""
        return self._add(clean(self._guards.feed(text)))  # guards may be anybody's

    def _add(self, text: str) -> str:
        if text:
            self._parts.append(text)
            self.length += len(text)
        return text

    @property
    def written(self) -> str:
        """All that the model has said and thought in this reply, without what it continues."""
        return self.thoughts.text[len(self.thought_before) :] + self.text[len(self.prefix) :]

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""


def _count(tokens: int | None) -> int | None:
    """What an upstream counted, unless it cannot be a count."""
    return tokens if tokens is not None and 0 <= tokens <= MOST_TOKENS else None
