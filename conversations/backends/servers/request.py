"""A request as `/chat/completions` takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.backends.servers.refusal import Refusal
from conversations.types import ChatRequest

PLAIN_OPTIONS = ("temperature", "max_tokens", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty")


def chat_messages(request: ChatRequest) -> list[dict[str, str]]:
    """Role and content, nothing else; half characters, which no server takes, become question marks."""
    return [
        {"role": message.role, "content": message.content.encode(errors="replace").decode()}
        for message in request.messages
    ]


class OptionalFields:
    """The fields beside model and messages, without those that the server has refused for this model.

    Servers differ in what they take (OpenAI has no top_k, its reasoning models no temperature), and
    say so only when asked.
    """

    def __init__(self) -> None:
        self._refused: dict[str, set[str]] = {}

    def of(self, request: ChatRequest) -> dict[str, Any]:
        """Options that are not set are not sent."""
        fields: dict[str, Any] = {"stream_options": {"include_usage": True}}
        for name in PLAIN_OPTIONS:
            if request.options.get(name) is not None:
                fields[name] = request.options[name]
        if stop := request.options.get("stop"):
            fields["stop"] = [stop] if isinstance(stop, str) else list(stop)
        refused = self._refused.get(request.model, frozenset())
        if "max_tokens" in refused and "max_tokens" in fields:
            fields["max_completion_tokens"] = fields["max_tokens"]  # its name for OpenAI's reasoning models
        return {name: value for name, value in fields.items() if name not in refused}

    def learn(self, model: str, sent: Mapping[str, Any], refusal: Refusal) -> bool:
        """Whether the refusal names fields that were sent: they are left out from now on, and asking again helps."""
        unknown = {name for name in sent if refusal.names(name)}
        self._refused.setdefault(model, set()).update(unknown)
        return bool(unknown)
