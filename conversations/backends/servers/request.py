"""A request as `/chat/completions` takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.backends.servers.refusal import Refusal
from conversations.types import ChatRequest

PLAIN_OPTIONS = ("temperature", "max_tokens", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty")


SYSTEM_ROLE = "the system role"


def _chat_messages(request: ChatRequest) -> list[dict[str, str]]:
    """Role and content, nothing else; half characters, which no server takes, become question marks."""
    return [
        {"role": message.role, "content": message.content.encode(errors="replace").decode()}
        for message in request.messages
    ]


def _without_system_role(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """The system prompt as the beginning of the first message: what Gemma's and Mistral's templates want."""
    prompt = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    others = [message for message in messages if message["role"] != "system"]
    if not prompt or not others:
        return others or messages
    first = {**others[0], "content": f"{prompt}\n\n{others[0]['content']}"}
    return [first, *others[1:]]


class OptionalFields:
    """What is sent beside the model's name, without what the server has refused for this model.

    Servers differ in what they take (OpenAI has no top_k, its reasoning models no temperature, Gemma 2 no
    system role), and say so only when asked.
    """

    def __init__(self, *, can_continue: bool = False) -> None:
        """`can_continue`: ask for the rest of a last message by the assistant, as vLLM and transformers want it."""
        self._can_continue = can_continue
        self._refused: dict[str, set[str]] = {}

    def messages(self, request: ChatRequest) -> list[dict[str, str]]:
        messages = _chat_messages(request)
        is_refused = SYSTEM_ROLE in self._refused.get(request.model, frozenset())
        return _without_system_role(messages) if is_refused else messages

    def of(self, request: ChatRequest) -> dict[str, Any]:
        """Options that are not set are not sent."""
        fields: dict[str, Any] = {"stream_options": {"include_usage": True}}
        for name in PLAIN_OPTIONS:
            if request.options.get(name) is not None:
                fields[name] = request.options[name]
        if self._can_continue and request.messages[-1].role == "assistant":
            fields |= {"continue_final_message": True, "add_generation_prompt": False}
        if stop := request.options.get("stop"):
            fields["stop"] = [stop] if isinstance(stop, str) else list(stop)
        refused = self._refused.get(request.model, frozenset())
        if "max_tokens" in refused and "max_tokens" in fields:
            fields["max_completion_tokens"] = fields["max_tokens"]  # its name for OpenAI's reasoning models
        return {name: value for name, value in fields.items() if name not in refused}

    def learn(self, model: str, sent: Mapping[str, Any], refusal: Refusal) -> bool:
        """Whether the refusal names what was sent: it is left out from now on, and asking again helps."""
        refused = self._refused.setdefault(model, set())
        unknown = {name for name in sent if refusal.names(name)}
        if refusal.is_of_system_role and SYSTEM_ROLE not in refused:
            unknown.add(SYSTEM_ROLE)
        refused |= unknown
        return bool(unknown)
