"""What clients know: what they sent, what the site answered, what they read; and who was killed when."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["accepted", "refused", "unknown"]


@dataclass(eq=False)
class Send:
    """One message with its key. `after` is the message that the same tab had accepted before, on the same branch.

    `refused` is what the site said no to; `unknown` what was never answered, or whose refusal may have come
    while an earlier attempt with the same key was under way.
    """

    token: str
    key: str
    person: int
    conversation: str
    parent_id: str
    after: Send | None = None
    is_retry: bool = False
    outcome: Outcome = "unknown"
    attempts: int = 0
    lost_answers: int = 0
    ports: set[int] = field(default_factory=set)
    accepted_at: float = 0.0
    user_message_id: str = ""
    reply_id: str = ""

    @property
    def text(self) -> str:
        return f"Please answer {self.token}"


@dataclass(frozen=True)
class Reading:
    """What a reader saw of a reply: its words, and the status that the `done` frame told ("" if it left before)."""

    send: Send
    words: tuple[str, ...]
    status: str
    frames: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fall:
    """The end of a server process: `how` is one of HOWS or FREEZE in processes.py."""

    port: int
    how: str
    at: float


@dataclass
class Journal:
    budget: int
    sends: list[Send] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    falls: list[Fall] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what no client should ever see
    resumed: int = 0  # readers that came back to a reply
    stops: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def is_full(self) -> bool:
        return len(self.sends) >= self.budget

    def write(self, send: Send) -> Send:
        self.sends.append(send)
        return send

    def count(self, outcome: Outcome) -> int:
        return sum(send.outcome == outcome for send in self.sends)

    @property
    def accepted(self) -> list[Send]:
        return [send for send in self.sends if send.outcome == "accepted"]

    def fell_under(self, send: Send) -> Fall | None:
        """The first end of the process that wrote this reply after it was accepted, if it is known which one did."""
        if len(send.ports) != 1 or send.lost_answers:
            return None
        (port,) = send.ports
        return next((fall for fall in self.falls if fall.port == port and fall.at >= send.accepted_at), None)
