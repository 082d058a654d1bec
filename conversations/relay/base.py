"""Where live text passes from the writer of a reply to its readers.

A relay is never awaited by a generation, and losing it loses nothing: the row has the text,
and readers fall back on it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol
from uuid import UUID

from conversations.types import Delta


class Listener(Protocol):
    """One per generation and process, however many readers it has. Called on the event loop; must not block."""

    def receive(self, text: str) -> None:
        """Text that follows what was received before."""

    def receive_thoughts(self, text: str, milliseconds: int) -> None:
        """Reasoning that follows what was received before, and how long the model has thought by now."""

    def notice(self, delta: Delta) -> None:
        """Something beside the text: what a silent model is busy with."""

    def finish(self) -> None:
        """The outcome is decided and stands in the row; no text follows, perhaps a notice with a title."""

    def end(self) -> None:
        """Nothing follows at all."""


class DistantListener(Protocol):
    """Follows a reply that another process writes. Called on the event loop; must not block."""

    def receive_at(self, end: int, text: str) -> None:
        """Text of which the last character is the reply's `end`-th. It may overlap what is known, or leave a gap."""

    def receive_thoughts_at(self, end: int, text: str, milliseconds: int) -> None:
        """Reasoning, by its own count of characters; as `receive_at` otherwise."""

    def notice(self, delta: Delta) -> None: ...

    def finish(self) -> None: ...

    def end(self) -> None: ...


class Relay(ABC):
    @abstractmethod
    def open(self, generation_id: UUID) -> None:
        """A reply begins in this process."""

    @abstractmethod
    def publish(self, generation_id: UUID, text: str) -> None:
        """Text arrived. Readers get it within settings.CHAT_FLUSH_INTERVAL."""

    @abstractmethod
    def publish_thoughts(self, generation_id: UUID, text: str, milliseconds: int) -> None:
        """Reasoning arrived, which has taken so long by now. Passed on as text is, and before text of the same time."""

    @abstractmethod
    def notify(self, generation_id: UUID, delta: Delta) -> None:
        """Pass on a delta that carries no text."""

    @abstractmethod
    def close(self, generation_id: UUID) -> None:
        """The outcome is decided and committed: listeners may tell it. Who comes later reads the row."""

    @abstractmethod
    def knows(self, generation_id: UUID) -> bool:
        """Whether something may still come: text, or a title."""

    @abstractmethod
    def is_closed(self, generation_id: UUID) -> bool:
        """Whether the outcome of a reply that this relay knows is decided."""

    @abstractmethod
    def is_read(self, generation_id: UUID) -> bool:
        """Whether somebody reads it in this process; pages that are hidden do not."""

    @abstractmethod
    def end(self, generation_id: UUID) -> None:
        """Let go of the listeners and forget the reply."""

    @abstractmethod
    def attach(self, generation_id: UUID, listener: Listener) -> str | None:
        """The text so far, after which `listener` is called; None if this relay does not know the reply.

        The reasoning so far is handed to the listener at once.
        Of a closed reply that has not ended (its title is being made) the text is empty: it stands in the row,
        and the listener is told at once that the outcome is decided.
        """

    @abstractmethod
    def detach(self, generation_id: UUID, listener: Listener) -> None:
        """Call `listener` no more."""

    # Between processes. A relay that does not reach others tells nothing, and readers fall back on the row.

    def listen(self, generation_id: UUID, listener: DistantListener, after: int) -> None:  # noqa: B027
        """Tell what another process publishes of a reply beyond its first `after` characters."""

    def unlisten(self, generation_id: UUID) -> None:  # noqa: B027
        """Tell no more of it."""

    async def aclose(self) -> None:  # noqa: B027
        """Pass on what still waits, and let go of connections. Called once, when nothing is published any more."""
