"""Model servers that fail in every way, connected to the whole live path."""

from __future__ import annotations

import pytest

from conversations import services, streaming
from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.models import ChatModel
from conversations.streaming.executors import in_database
from tests.faults.cable import Cable
from tests.upstream import Upstream


@pytest.fixture
def upstream():
    with Upstream() as server:
        yield server


@pytest.fixture
async def connect(transactional_db, settings, upstream):
    """Connects model servers under their aliases: await connect(acme={"models": ["a"]}) → {"a": ChatModel}.

    By default each is the upstream, through the lean client; `kind` is another class. At the end everything is settled.
    """

    async def make(**connections) -> dict[str, ChatModel]:
        settings.CHAT_BACKENDS = {alias: _connection(upstream, alias, **given) for alias, given in connections.items()}
        await in_database(services.seed_catalogue)
        return {model.model_id: model for model in await in_database(services.available_models)}

    yield make
    await streaming.shutdown()


def _connection(upstream: Upstream, alias: str, *, kind: type = ChatCompletionsBackend, **options) -> dict:
    known = {"base_url": upstream.url, "api_key": "hf_a-very-secret-key", "label": alias.title(), "models": ["test"]}
    return {"BACKEND": f"{kind.__module__}.{kind.__qualname__}", "OPTIONS": {**known, **options}}


@pytest.fixture
def rest(settings):
    """How long what failed is left alone: rest(seconds). By default for longer than any test."""

    def set_to(seconds: float) -> None:
        settings.CHAT_BREAKER_COOLDOWN = seconds

    set_to(1000)
    return set_to


@pytest.fixture
def away(upstream):
    """The upstream, behind a cable that can be cut."""
    with Cable(("127.0.0.1", upstream.port)) as cable:
        cable.url = f"http://127.0.0.1:{cable.port}/v1"
        yield cable
