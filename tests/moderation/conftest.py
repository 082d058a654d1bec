"""Lists as an administrator would make them, and a model server that says what it is told to."""

from __future__ import annotations

import pytest

from chatsite.moderation import compiling, lists
from chatsite.moderation.hits import recorder
from chatsite.moderation.models import Hit, Term, TermList
from conversations import services
from conversations.models import ChatModel
from conversations.streaming.executors import in_database
from tests.upstream import Upstream


def listed(
    *texts: str, action: str = "mask", level: str = "standard", language: str = "en", kind: str = "word"
) -> None:
    """These entries, in a list of their own."""
    made = TermList.objects.create(name=f"list {TermList.objects.count()}", language=language)
    for text in texts:
        Term.objects.create(list=made, text=text, action=action, level=level, kind=kind)


def hits() -> list[Hit]:
    """What was noted, oldest first, once all is written."""
    assert recorder.wait(10)
    return list(Hit.objects.order_by("pk"))


@pytest.fixture
def no_lists(transactional_db, monkeypatch):
    """The lists that came with the site would have a say, too. On a busy machine short lists take long, too."""
    monkeypatch.setattr(compiling, "PATIENCE", 30.0)
    TermList.objects.all().delete()
    Hit.objects.all().delete()
    lists.forget()


@pytest.fixture
async def server(no_lists, engine, settings):
    """A model server with two models, `server.model` and `server.other`: ChatModel rows."""
    with Upstream() as upstream:
        options = {"base_url": upstream.url, "models": ["test", "other"]}
        backend = "conversations.backends.chat_completions.ChatCompletionsBackend"
        settings.CHAT_TITLES = False
        settings.CHAT_BACKENDS = {"server": {"BACKEND": backend, "OPTIONS": options}}
        await in_database(services.seed_catalogue)
        services.forget_catalogue()
        upstream.model, upstream.other = await in_database(
            lambda: [ChatModel.objects.get(backend="server", model_id=name) for name in ("test", "other")]
        )
        yield upstream


async def set_level(model: ChatModel, level: str) -> None:
    await in_database(lambda: ChatModel.objects.filter(pk=model.pk).update(filter_level=level))
    services.forget_catalogue()
