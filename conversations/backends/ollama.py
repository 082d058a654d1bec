"""Ollama: its OpenAI-compatible interface, and what only its own tells of the models on that machine."""

from __future__ import annotations

from typing import Any

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.servers import wording
from conversations.backends.servers.limits import Watch
from conversations.backends.servers.sentences import Sentences
from conversations.errors import BackendError, BackendUnavailable


class OllamaSentences(Sentences):
    """What to do is known here: the program to start, the model to fetch."""

    def unreachable(self, error: BaseException) -> BackendUnavailable:
        fault = super().unreachable(error)
        if fault.message == self._fill(wording.UNREACHABLE):
            return BackendUnavailable(self._fill(wording.OLLAMA_AWAY), is_transient=True, blames="server")
        return fault

    def unknown(self, model: str) -> BackendError:
        return self._error(wording.OLLAMA_LACKS, model=model) if model else super().unknown(model)


class OllamaBackend(ChatCompletionsBackend):
    """OPTIONS: those of ChatCompletionsBackend; base_url ends in /v1."""

    sentences_class = OllamaSentences

    def __init__(self, alias: str = "", *, label: str = "", **options: Any):
        super().__init__(alias, label=label or "Ollama", **options)

    async def _listing(self, watch: Watch) -> bytes:
        """/api/tags tells sizes, which /v1/models leaves out; a proxy may let only the latter through."""
        try:
            return await self._get(self.address.above("/v1").url("/api/tags"), watch)
        except BackendError as error:
            if error.blames == "server":  # it was not reached
                raise
            return await super()._listing(watch)
