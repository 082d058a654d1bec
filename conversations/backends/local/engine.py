"""A model in memory, writing replies. torch is imported when it does, not before."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conversations.backends.local.faults import memory_fault, too_long
from conversations.backends.local.prompt import Turn, without_system
from conversations.backends.local.sampling import Sampling
from conversations.backends.local.text import Detokenizer, StopStrings
from conversations.types import Usage


@dataclass(frozen=True, slots=True)
class Outcome:
    finish_reason: str
    usage: Usage


class Engine:
    """Tokenizer and weights. Serves one thread at a time."""

    def __init__(self, tokenizer: Any, model: Any, name: str):
        self.tokenizer = tokenizer
        self.model = model
        self.name = name

    def reply(
        self, turns: list[Turn], sampling: Sampling, emit: Callable[[str], None], stopped: threading.Event
    ) -> Outcome:
        """Write a reply, giving each piece to `emit`; end within a token of `stopped` being set.

        Raises BackendError when the conversation is too long for the model or for the memory.
        """
        try:
            return self._reply(turns, sampling, emit, stopped)
        except Exception as error:
            if (fault := memory_fault(error, self.name)) is not None:
                raise fault from error
            raise

    def _reply(
        self, turns: list[Turn], sampling: Sampling, emit: Callable[[str], None], stopped: threading.Event
    ) -> Outcome:
        import torch

        inputs = self._inputs(turns).to(self.model.device)
        length = inputs["input_ids"].shape[1]
        writer = _Writer(self.tokenizer, sampling, emit)
        with torch.inference_mode():
            self.model.generate(
                **inputs,
                generation_config=self._generation_config(sampling, length),
                streamer=writer,
                stopping_criteria=[_stop_when(lambda: stopped.is_set() or writer.stops.found)],
            )
        writer.finish()
        ended = writer.stops.found or writer.last_id in self._end_ids()
        return Outcome("stop" if ended else "length", Usage(length, writer.tokens))

    def _inputs(self, turns: list[Turn]) -> Any:
        import jinja2

        continues = turns[-1]["role"] == "assistant"
        options = {
            "add_generation_prompt": not continues,
            "continue_final_message": continues,
            "return_tensors": "pt",
            "return_dict": True,
        }
        try:
            return self.tokenizer.apply_chat_template(turns, **options)
        except jinja2.TemplateError:
            return self.tokenizer.apply_chat_template(without_system(turns), **options)

    def _generation_config(self, sampling: Sampling, length: int) -> Any:
        """The model's own, with what was asked for, and never beyond the context that the model was made for."""
        fields = sampling.as_generation_config()
        limit = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        if limit is not None:
            if length >= limit:
                raise too_long(length, limit)
            fields["max_new_tokens"] = min(fields["max_new_tokens"], limit - length)
        config = copy.deepcopy(self.model.generation_config)
        config.update(**fields)
        return config

    def _end_ids(self) -> set[int]:
        ids = self.model.generation_config.eos_token_id
        ids = [ids] if isinstance(ids, int) else list(ids or [])
        return {*ids, self.tokenizer.eos_token_id}


class _Writer:
    """Receives token ids from `generate` (which calls it a streamer), and gives out text."""

    def __init__(self, tokenizer: Any, sampling: Sampling, emit: Callable[[str], None]):
        self._detokenizer = Detokenizer(
            lambda ids: tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )
        self._emit = emit
        self._prompt_seen = False
        self.stops = StopStrings(sampling.stop)
        self.tokens = 0
        self.last_id: int | None = None

    def put(self, ids: Any) -> None:
        """The prompt first, of shape (1, n); then each new token, of shape (1,)."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        for token_id in ids.tolist():
            self.tokens += 1
            self.last_id = token_id
            self._give(self._detokenizer.add(token_id))

    def end(self) -> None:
        """`generate` calls it after the last token, but not when it raises: `finish` does the work."""

    def finish(self) -> None:
        self._give(self._detokenizer.rest())
        self._give(self.stops.rest(), checked=True)

    def _give(self, text: str, *, checked: bool = False) -> None:
        text = text if checked else self.stops.add(text)
        if text:
            self._emit(text)


def _stop_when(condition: Callable[[], bool]) -> Any:
    import torch
    from transformers import StoppingCriteria

    class StopWhen(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            return torch.full((input_ids.shape[0],), condition(), device=input_ids.device, dtype=torch.bool)

    return StopWhen()
