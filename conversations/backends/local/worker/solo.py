"""One reply at a time, by transformers' own `generate`: for models whose replies cannot be joined."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import StoppingCriteria

from conversations.backends.local.worker.desk import Desk
from conversations.backends.local.worker.engine import Engine
from conversations.backends.local.worker.writing import Writing


class Solo:
    """Has Batch's interface; a step writes a whole reply."""

    is_busy = False

    def __init__(self, engine: Engine, desk: Desk):
        self._engine = engine
        self._desk = desk

    def step(self) -> None:
        if not self._desk.has_questions:
            return
        self._desk.forget_who_left()
        question = self._desk.take()
        self._desk.tell_places()
        try:
            writing, adapter = self._engine.begin(question)
            self._write(writing, adapter)
            if writing.id not in self._desk.left:
                self._desk.end(writing)
        except Exception as error:  # the next person must be served
            self._desk.fail(question.id, error, self._engine.name)

    def _write(self, writing: Writing, adapter: str) -> None:
        self._engine.adapters.switch([adapter])
        model = self._engine.model
        ids = torch.tensor([writing.prompt], device=model.device)
        # The whole prompt is read in one pass, which takes minutes on a small machine.
        reading = register_module_forward_pre_hook(lambda *_: self._desk.sign())
        try:
            with torch.inference_mode():
                model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    generation_config=_config(model, writing),
                    streamer=_Streamer(writing, self._desk, on_token=reading.remove),
                    stopping_criteria=[_StopWhen(writing, self._desk)],
                )
        finally:
            reading.remove()


def _config(model: Any, writing: Writing) -> Any:
    """The model's own, with what was asked for, all at once: transformers warns of what does not go together."""
    sampling, warm = writing.sampling, writing.sampling.temperature > 0
    config = copy.deepcopy(model.generation_config)
    config.update(
        max_new_tokens=sampling.max_tokens,
        max_length=None,
        num_beams=1,
        repetition_penalty=sampling.repetition_penalty,
        do_sample=warm,
        temperature=sampling.temperature if warm else None,
        top_k=sampling.top_k if warm else None,
        top_p=sampling.top_p if warm else None,
        min_p=(sampling.min_p or None) if warm else None,
    )
    return config


class _Streamer:
    """Receives the tokens that `generate` writes: the prompt first, of shape (1, n), then each new one."""

    def __init__(self, writing: Writing, desk: Desk, *, on_token: Callable[[], None]):
        self._writing = writing
        self._desk = desk
        self._on_token = on_token
        self._prompt_seen = False

    def put(self, ids: torch.Tensor) -> None:
        if self._prompt_seen:
            self._on_token()
            for token in ids.tolist():
                self._desk.give(self._writing, token)
            self._desk.flush()
        self._prompt_seen = True

    def end(self) -> None:
        """`generate` calls it after the last token."""


class _StopWhen(StoppingCriteria):
    """Between two tokens: hear who came and left, tell the line where it stands, end what is over."""

    def __init__(self, writing: Writing, desk: Desk):
        self._writing = writing
        self._desk = desk

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        self._desk.listen(wait=False)
        self._desk.tell_places()
        over = bool(self._writing.finish_reason) or self._writing.id in self._desk.left
        return torch.full((input_ids.shape[0],), over, device=input_ids.device, dtype=torch.bool)
