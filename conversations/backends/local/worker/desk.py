"""Who asks, who waits, who left: the line in front of the model."""

from __future__ import annotations

import queue
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from conversations.backends.local.faults import Fault
from conversations.backends.local.worker.classify import loading_fault
from conversations.backends.local.worker.errands import Errands
from conversations.backends.local.worker.writing import Question, Writing

Send = Callable[[dict[str, Any]], None]
SIGN = 1.0  # seconds between two signs of life, while there is nothing to say


class Desk:
    """Takes questions from the server's process and answers to it. Used by the thread that runs the model alone.

    Messages come as `{"kind": "ask", …}` and `{"kind": "leave", "id": …}`, and `{"kind": "fetched", …}` from errands.
    """

    def __init__(self, inbox: queue.SimpleQueue[dict[str, Any]], send: Send):
        self._inbox = inbox
        self._send = send
        self._waiting: deque[Question] = deque()
        self._told: dict[int, int] = {}
        self._texts: dict[int, str] = {}
        self._signed = 0.0
        self._errands = Errands(inbox, self.sign)
        self.left: set[int] = set()

    def listen(self, *, wait: bool) -> None:
        """Take in what has come; with `wait`, at least one message."""
        for message in self._messages(wait=wait):
            if message["kind"] == "ask":
                self._receive(Question.from_dict(message))
            elif message["kind"] == "fetched":
                for question in self._errands.settle(message["key"], message["error"]):
                    self._receive(question)
            else:
                self.left.add(message["id"])
        if self.left:
            self._errands.drop(self.left)
            self._waiting = deque(question for question in self._waiting if question.id not in self.left)

    def _receive(self, question: Question) -> None:
        try:
            if self._errands.keeps(question):
                self._send({"kind": "fetching", "id": question.id})
            else:
                self._waiting.append(question)
        except Exception as error:  # its adapter could not be fetched, and the others go on
            self.fail(question.id, error, question.parameters.adapter)

    def _messages(self, *, wait: bool) -> Iterator[dict[str, Any]]:
        try:
            if wait:
                yield self._inbox.get()
            while True:
                yield self._inbox.get_nowait()
        except queue.Empty:
            return

    @property
    def has_questions(self) -> bool:
        return bool(self._waiting)

    def next(self) -> Question:
        return self._waiting[0]

    def take(self) -> Question:
        return self._waiting.popleft()

    def tell_places(self) -> None:
        """How many stand before each, to those for whom it has changed."""
        places = {question.id: ahead for ahead, question in enumerate(self._waiting)}
        for id_, ahead in places.items():
            if self._told.get(id_) != ahead:
                self._send({"kind": "place", "id": id_, "ahead": ahead})
        self._told = places

    def give(self, writing: Writing, token: int) -> None:
        """Add a token to a reply; its text goes with the next `flush`."""
        if text := writing.add(token):
            self._texts[writing.id] = self._texts.get(writing.id, "") + text

    def flush(self) -> None:
        """Send what was given, of all replies at once."""
        if self._texts:
            self._send({"kind": "text", "texts": self._texts})
            self._texts = {}
        else:
            self.sign()

    def sign(self) -> None:
        """Work goes on, though nobody reads of it: a long prompt is read, or tokens come that are not text yet."""
        if (now := time.monotonic()) - self._signed >= SIGN:
            self._signed = now
            self._send({"kind": "alive"})

    def end(self, writing: Writing) -> None:
        self.flush()
        self._send(
            {
                "kind": "end",
                "id": writing.id,
                "finish_reason": writing.finish_reason,
                "prompt_tokens": len(writing.prompt),
                "completion_tokens": writing.tokens,
            }
        )

    def fail(self, id_: int, error: BaseException, model: str) -> None:
        """Tell one person what happened; whatever is no fault is a bug, told with its traceback."""
        fault = error if isinstance(error, Fault) else None
        if fault is None and not isinstance(error, OSError | ValueError):
            fault = loading_fault(error, model)
        if fault is None:
            fault = Fault("bug", traceback="".join(traceback.format_exception(error)))
        self.flush()
        self._send({"kind": "fault", "id": id_, "fault": fault.as_dict()})

    def forget_who_left(self) -> None:
        """Those who left are out of the line, and out of the model's hands."""
        self.left.clear()
