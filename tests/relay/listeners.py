"""Who listens to relays in tests, and keeps what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conversations.types import Delta

PATIENCE = 15.0  # seconds; a guard against hanging


@dataclass(eq=False)
class Heard:
    """A reader in the writer's own process."""

    text: str = ""
    marks: list[str] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    thoughts: str = ""
    thought_for: int = 0

    def receive_thoughts(self, text: str, milliseconds: int) -> None:
        self.thoughts += text
        self.thought_for = milliseconds

    def receive(self, text: str) -> None:
        self.text += text

    def notice(self, delta: Delta) -> None:
        self.notices.append(dict(delta.metadata))

    def finish(self) -> None:
        self.marks.append("finish")

    def end(self) -> None:
        self.marks.append("end")


@dataclass(eq=False)
class HeardFarAway(Heard):
    """A reader in another process, with every gap and every overlap it met."""

    length: int = 0
    gaps: int = 0
    calls: int = 0
    thought_gaps: int = 0

    def receive_at(self, end: int, text: str) -> None:
        self.calls += 1
        start = end - len(text)
        self.gaps += start > self.length
        self.text = self.text[:start] + text
        self.length = end

    def receive_thoughts_at(self, end: int, text: str, milliseconds: int) -> None:
        start = end - len(text)
        self.thought_gaps += start > len(self.thoughts)
        self.thoughts, self.thought_for = self.thoughts[:start] + text, milliseconds


async def until(condition: Callable[[], Any]) -> None:
    """Wait for what is to happen soon."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)
