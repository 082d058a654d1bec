"""A backend on which tests and demonstrations enqueue replies.

    scripted.enqueue("Hello", " there")                 # two deltas, then finish_reason "stop"
    scripted.enqueue("Hel", BackendError("Sorry."))     # fails in the middle
    scripted.enqueue("a", gate.wait, "b")               # waits for a coroutine function in between

With nothing enqueued it repeats what was said, word by word.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from conversations.backends.base import ChatBackend
from conversations.backends.tuning import MAX_TOKENS, MEMORY, TEMPERATURE, TOP_P
from conversations.types import ChatRequest, Delta, Usage


class ScriptedBackend(ChatBackend):
    label: ClassVar[str] = "Scripted"
    supports_continue = True
    settings = (TEMPERATURE, MAX_TOKENS, MEMORY, TOP_P)

    def __init__(self, alias: str = "", *, delay: float = 0.0, titles: bool = True, **options: Any):
        """`delay` in seconds between the words of an unscripted reply; `titles` as a language model makes them."""
        super().__init__(alias, **options)
        self.delay = delay
        self.is_language_model = titles  # type: ignore[misc]
        self.requests: list[ChatRequest] = []
        self.closed = 0
        self._replies: deque[tuple] = deque()
        self._titles: deque[tuple] = deque()

    def models(self) -> list[dict]:
        return [{"model_id": "scripted", "label": "Scripted", "use_case": "Tests and demonstrations"}]

    def enqueue(self, *steps: Any) -> None:
        """What the next reply consists of: text, Delta, an exception to raise, or a coroutine function to await."""
        self._replies.append(steps)

    def enqueue_title(self, *steps: Any) -> None:
        self._titles.append(steps)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        self.requests.append(request)
        queue = self._titles if request.options.get("purpose") == "title" else self._replies
        steps = queue.popleft() if queue else self._default(request)
        try:
            finished = False
            for step in steps:
                if isinstance(step, BaseException):
                    raise step
                if callable(step):
                    await step()
                    continue
                delta = step if isinstance(step, Delta) else Delta(step)
                finished = finished or delta.finish_reason is not None
                yield delta
                if self.delay:
                    await asyncio.sleep(self.delay)
            if not finished:
                yield Delta(finish_reason="stop", usage=Usage(1, len(steps)))
        finally:
            self.closed += 1

    def _default(self, request: ChatRequest) -> tuple[str, ...]:
        if request.options.get("purpose") == "title":
            return ("Scripted title of the chat",)
        words = request.messages[-1].content.split(" ")
        return (*(f"{word} " for word in words[:-1]), words[-1])
