"""Many replies at once: each step gives each of them its next token, and people join and leave between steps."""

from __future__ import annotations

from collections.abc import Callable

import torch

from conversations.backends.local.faults import Fault
from conversations.backends.local.worker.cache import KeyValues
from conversations.backends.local.worker.choosing import choose
from conversations.backends.local.worker.classify import memory_fault
from conversations.backends.local.worker.desk import Desk
from conversations.backends.local.worker.engine import Engine
from conversations.backends.local.worker.writing import Writing

# Tokens of a prompt read between two steps: a long one must not hold up those who are being written to.
PIECE = {"cpu": 256, "cuda": 2048, "mps": 1024}


class Row:
    """One reply in the batch: first its prompt is read, piece by piece, then each step adds a token."""

    def __init__(self, writing: Writing, adapter: str):
        self.writing = writing
        self.adapter = adapter
        self.memory = KeyValues()
        self.ids = list(writing.prompt)
        self.seen = torch.tensor(self.ids) if writing.sampling.repetition_penalty != 1.0 else None

    @property
    def is_reading(self) -> bool:
        return len(self.ids) - self.memory.length > 1 or not self.memory.length

    def piece(self, most: int) -> torch.Tensor:
        start = self.memory.length
        return torch.tensor([self.ids[start : start + most]])


class Batch:
    """Runs replies through an engine that joins them, as many at once as `most` and the memory allow."""

    def __init__(self, engine: Engine, desk: Desk, most: int):
        self._engine = engine
        self._desk = desk
        self._most = most
        self._rows: list[Row] = []
        self._piece = PIECE.get(engine.model.device.type, 256)

    @property
    def is_busy(self) -> bool:
        return bool(self._rows)

    def step(self) -> None:
        """Let people out and in, read a piece of a prompt, add a token to each reply that is being written."""
        self._drop(lambda row: row.writing.id in self._desk.left)
        self._desk.forget_who_left()
        self._admit()
        self._desk.tell_places()
        with torch.inference_mode():
            self._run([row for row in self._rows if row.is_reading][:1], self._piece)
            self._run([row for row in self._rows if not row.is_reading], 1)
        self._desk.flush()

    def _drop(self, is_over: Callable[[Row], object]) -> None:
        self._rows = [row for row in self._rows if not is_over(row)]

    def _admit(self) -> None:
        while self._desk.has_questions and len(self._rows) < self._most:
            question = self._desk.next()
            try:
                writing, adapter = self._engine.begin(question)
                if not self._fits(writing):
                    return
                self._rows.append(Row(writing, adapter))
            except Exception as error:  # one person's question must not end the others' replies
                self._desk.fail(question.id, error, self._engine.name)
            self._desk.take()

    def _fits(self, writing: Writing) -> bool:
        """Whether there is memory for it now. Whoever is alone may try, as long as the prompt fits."""
        if self._engine.has_room(len(writing.prompt) + writing.sampling.max_tokens):
            return True
        if not self._rows and not self._engine.has_room(len(writing.prompt)):
            raise Fault("memory", model=self._engine.name)
        return not self._rows

    def _run(self, rows: list[Row], most: int) -> None:
        if not rows:
            return
        try:
            self._advance(rows, most)
        except Exception as error:
            self._give_up(rows, error)
        self._drop(lambda row: row.writing.finish_reason)

    def _advance(self, rows: list[Row], most: int) -> None:
        ids = torch.cat([row.piece(most) for row in rows])
        logits = self._engine.read(ids, [row.memory for row in rows], [row.adapter for row in rows])
        if rows[0].memory.length < len(rows[0].ids):
            return  # more of the prompt is to come
        tokens = choose(logits, [row.writing.sampling for row in rows], [row.seen for row in rows])
        for row, token in zip(rows, tokens, strict=True):
            row.ids.append(token)
            if row.seen is not None:
                row.seen = torch.cat([row.seen, torch.tensor([token])])
            self._desk.give(row.writing, token)
            if row.writing.finish_reason:
                self._desk.end(row.writing)

    def _give_up(self, rows: list[Row], error: BaseException) -> None:
        """Where memory ran out, the last to come makes room for the others; a bug ends all that it touched."""
        fault = memory_fault(error, self._engine.name)
        for row in rows[-1:] if fault else rows:
            self._desk.fail(row.writing.id, fault or error, self._engine.name)
            self._rows.remove(row)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
