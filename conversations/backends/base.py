"""What it takes to answer: one class, one method.

    class Echo(ChatBackend):
        async def stream(self, request):
            yield Delta(request.messages[-1].content, finish_reason="stop")

    CHAT_BACKENDS = {"echo": {"BACKEND": "mysite.echo.Echo"}}

Backends know types and errors; nothing of the database, of HTTP requests or of HTML.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

from django.core.checks import CheckMessage

from conversations.backends.offers import Offer
from conversations.reasoning import answer_in, mode_of
from conversations.types import NOTHING, ChatRequest, Delta, Message, Setting


class ChatBackend(ABC):
    """Something that can answer. One method to write; the rest follows from it."""

    label: ClassVar[str] = ""
    """What people are told they wait for ("Waiting for Hugging Face…")."""

    is_language_model: ClassVar[bool] = True
    """False for rules and scripts: they make no titles, and staff are told that no model is connected."""

    supports_continue: ClassVar[bool] = False
    """True when a last message by the assistant is taken as the beginning of the answer."""

    lists_everything: ClassVar[bool] = False
    """True when `offers` names all that can be asked for, so that an entry which is not among them is gone."""

    settings: ClassVar[Sequence[Setting]] = ()
    """What people can tune: those of the usual ones that it knows (backends/tuning.py), and inputs of its own.

    Their values come in `request.options`, checked; a request for a title has none of one's own.
    """

    def __init__(self, alias: str = "", **options: Any):
        """`alias` is the key in CHAT_BACKENDS; `options` its OPTIONS, each a named parameter in a subclass."""
        if options:
            unknown = ", ".join(sorted(options))
            raise TypeError(f"{type(self).__name__} does not know these OPTIONS: {unknown}")
        self.alias = alias

    @abstractmethod
    def stream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        """Yield the reply piece by piece; the last piece carries a finish_reason.

        Stopping early closes the generator: release what you hold in `finally`.
        Raise BackendError for what the user should hear; let bugs propagate. What the error says of itself
        (is_transient, blames, concerns) decides whether it, or another model, is asked again.
        """

    async def complete(self, request: ChatRequest) -> Message:
        """The whole reply at once, without what the model thought. Raises what `stream` raises."""
        pieces = []
        async with aclosing(self.stream(request)) as deltas:
            async for delta in deltas:
                pieces.append(delta.text)
        return Message("assistant", answer_in("".join(pieces), mode_of(request.parameters)))

    def count_tokens(
        self, messages: Sequence[Message], model: str, parameters: Mapping[str, Any] = NOTHING
    ) -> int | None:
        """The tokens of a prompt as this model will see it, its template included; None if they cannot be counted now.

        A model that is not loaded yet counts nothing, and no server is asked. Called from threads, never on the loop;
        somebody waits for it.
        """
        return None

    def models(self) -> Sequence[dict[str, Any]]:
        """The entries this backend brings to the catalogue: dicts of ChatModel fields (model_id, label, …)."""
        return ()

    def check_parameters(self, given: Mapping[str, Any]) -> Iterable[str]:
        """What is wrong with a catalogue entry's `parameters` (the admin asks): a sentence for each fault."""
        return ()

    def prepare(self) -> None:  # noqa: B027  most have nothing to prepare
        """A server process has started. Called once, in a thread; what takes long must not be waited for here."""

    async def offers(self) -> Sequence[Offer]:
        """What there is to choose from at this moment, for administrators. Raises BackendError."""
        return [Offer(entry) for entry in self.models()]

    async def aclose(self) -> None:  # noqa: B027  most have nothing to release
        """Release connections and models. Called at shutdown, on the loop that used them."""

    def check(self) -> Iterable[CheckMessage]:
        """What is wrong with this configuration, as Django check messages with an id and a hint."""
        return ()
