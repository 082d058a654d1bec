"""A reply being written: what was asked, and its text as tokens come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conversations.backends.local.faults import Fault
from conversations.backends.local.parameters import LABELS, Parameters
from conversations.backends.local.prompt import Turn, encoded, stops_of
from conversations.backends.local.sampling import Sampling
from conversations.backends.local.text import Detokenizer, StopStrings
from conversations.reasoning import opened_by

TAIL = 16  # tokens of the prompt that may hold the tag with which a template opens the model's reasoning


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asked for, as it came from the server's process."""

    id: int
    turns: list[Turn]
    sampling: Sampling
    parameters: Parameters

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Question:
        parameters = {**given["parameters"]}
        for name in ("stop", "stop_tokens"):
            parameters[name] = tuple(parameters[name])
        return cls(given["id"], given["turns"], Sampling.from_dict(given["sampling"]), Parameters(**parameters))


class Writing:
    """One reply. `prompt` are its tokens; `sampling` has nothing open; `ends` are the tokens that end it."""

    def __init__(self, question: Question, prompt: list[int], sampling: Sampling, ends: set[int], tokenizer: Any):
        self.question = question
        self.prompt = prompt
        self.sampling = sampling
        self.tokens = 0
        self.finish_reason = ""
        self._ends = ends
        self._detokenizer = Detokenizer(
            lambda ids: tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )
        self._stops = StopStrings((*sampling.stop, *stops_of(question.parameters)))
        self._opening = ""
        if question.turns[-1]["role"] != "assistant":
            self._opening = opened_by(tokenizer.decode(prompt[-TAIL:]))
        self._is_bare = question.parameters.prompt_format == LABELS and question.turns[-1]["role"] != "assistant"

    @property
    def id(self) -> int:
        return self.question.id

    def add(self, token: int) -> str:
        """The text that the token makes certain; sets `finish_reason` when it was the last."""
        self.tokens += 1
        if token in self._ends:
            self.finish_reason = "stop"
            return self._rest()
        text = self._shown(self._stops.add(self._detokenizer.add(token)))
        if self._stops.found:
            self.finish_reason = "stop"
        elif self.tokens >= self.sampling.max_tokens:
            self.finish_reason = "length"
            return text + self._rest()
        return text

    def _rest(self) -> str:
        text = self._stops.add(self._detokenizer.rest())
        return self._shown(text + self._stops.rest())

    def _shown(self, text: str) -> str:
        """After a label models write a blank first. A block that the template opened is opened for readers, too."""
        if self._is_bare:
            text = text.lstrip()
            self._is_bare = not text
        if text and self._opening:
            text, self._opening = self._opening + text, ""
        return text


def begin(question: Question, model: Any, tokenizer: Any, name: str) -> Writing:
    """Make the prompt, and settle what was left open. Raises Fault."""
    prompt = list(encoded(tokenizer, question.turns, question.parameters, name))
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if limit is not None and len(prompt) >= limit:
        raise Fault("too_long", tokens=len(prompt), limit=limit)
    sampling = question.sampling.settled(model.generation_config.to_dict())
    if limit is not None:
        sampling = sampling.within(limit - len(prompt))
    return Writing(question, prompt, sampling, _ends(question, model, tokenizer, name), tokenizer)


def _ends(question: Question, model: Any, tokenizer: Any, name: str) -> set[int]:
    own = model.generation_config.eos_token_id
    found = {own} if isinstance(own, int) else set(own or [])
    found |= {tokenizer.eos_token_id} - {None}
    for token in question.parameters.stop_tokens:
        number = token if isinstance(token, int) else tokenizer.get_vocab().get(token)
        if number is None or number >= len(tokenizer):
            raise Fault("unknown_token", model=name, token=str(token))
        found.add(number)
    return found
