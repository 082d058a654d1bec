"""How quick a model is: until it begins, and while it writes. By time.monotonic(): no clock that is set disturbs it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from conversations.types import Usage

LEAST_TIME = 0.1  # seconds; what came all at once tells nothing of a speed
BYTES_PER_TOKEN = 4  # of UTF-8, the usual rule: English has 4 characters to a token, Chinese 1, Vietnamese 3


@dataclass(slots=True)
class Stopwatch:
    """The moments of one reply. `asked`: when the model that answers was asked for the first time."""

    asked: float | None = None
    begun: float | None = None
    ended: float | None = None

    def begin(self, asked: float) -> None:
        """The first token, be it of an answer or of reasoning, came just now."""
        self.asked, self.begun = asked, time.monotonic()

    def stop(self) -> None:
        self.ended = time.monotonic()

    @property
    def first_token_ms(self) -> int | None:
        """None if nothing came."""
        return None if self.begun is None else round(1000 * (self.begun - self.asked))

    def tokens_per_second(self, usage: Usage, text: str) -> float | None:
        """From the first token to the end; by the server's own count, else estimated from what was written.

        None where there is nothing to tell: too little was written, or too much of it at once.
        """
        if self.begun is None or self.ended is None or self.ended - self.begun < LEAST_TIME:
            return None
        tokens = usage.completion_tokens or len(text.encode(errors="replace")) / BYTES_PER_TOKEN
        return (tokens - 1) / (self.ended - self.begun) if tokens > 1 else None
