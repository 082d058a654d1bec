"""Every reply is settled, whatever its model, a guard or an admin did to it."""

from __future__ import annotations

import asyncio

import pytest

from conversations import services
from conversations.errors import BackendError
from conversations.guards import Guard, ReplyGuard
from conversations.models import ChatModel, Generation, ModelFallback
from conversations.services.catalogue import forget_catalogue
from conversations.streaming import clock
from conversations.streaming.executors import in_database
from tests.helpers import finished, refreshed, say
from tests.upstream import CLOSE, Upstream

pytestmark = pytest.mark.django_db(transaction=True)
HALF = "\ud83d"  # of a character
END = b'data: {"choices": [{"delta": {}, "finish_reason": "%s"}]}\n\n'


class Holder(ReplyGuard):
    def __init__(self):
        self._held = ""

    def feed(self, text):
        self._held += text
        return ""

    def finish(self):
        return self._held


class Hold(Guard):
    """Judges nothing before the end."""

    def open_reply(self, exchange, said=""):
        return Holder()


class Breaker(ReplyGuard):
    def feed(self, text):
        return text.replace("BAD", HALF)


class Break(Guard):
    """Cuts characters in two."""

    def open_reply(self, exchange, said=""):
        return Breaker()


@pytest.fixture
async def server(engine, settings):
    """A model server; its model is chosen with `model=server.model`."""
    with Upstream() as upstream:
        options = {"base_url": upstream.url, "models": ["test"]}
        backend = "conversations.backends.chat_completions.ChatCompletionsBackend"
        settings.CHAT_TITLES = False
        settings.CHAT_BACKENDS = {"server": {"BACKEND": backend, "OPTIONS": options}}
        await in_database(services.seed_catalogue)
        forget_catalogue()
        upstream.model = (await in_database(lambda: ChatModel.objects.get(backend="server"))).pk
        yield upstream


async def begun(generation, text: str) -> Generation:
    """The row, once that much of the reply has been saved."""
    async with asyncio.timeout(10):
        while (row := await refreshed(generation)).reply_text != text:
            await asyncio.sleep(0.01)
    return row


async def test_an_error_with_half_a_character_settles_its_reply(engine, alice, scripted):
    scripted.enqueue("Hel", BackendError(f"It said: {HALF}"))
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.reply_text, row.error) == ("failed", "Hel", "It said: \N{REPLACEMENT CHARACTER}")


async def test_a_substitute_may_be_deleted_while_it_answers(engine, alice, scripted):
    def models():
        asked, other = (ChatModel.objects.create(backend="scripted", model_id=name, label=name) for name in "ab")
        ModelFallback.objects.create(model=asked, substitute=other)
        return asked, other

    asked, other = await in_database(models)
    forget_catalogue()
    gate = asyncio.Event()
    scripted.enqueue(BackendError("No."))
    scripted.enqueue("one ", gate.wait, "two")
    generation = await say(alice, "Hi", model=asked.pk)
    await begun(generation, "one ")
    await in_database(other.delete)
    gate.set()
    row = await finished(generation)
    assert (row.status, row.reply_text, row.model_id) == ("completed", "one two", None)
    assert (row.backend, row.upstream_model, row.instead_of) == ("scripted", "b", "a")


async def test_a_text_that_the_database_refuses_leaves_the_last_one_that_it_took(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Good ", gate.wait, "words")
    generation = await say(alice, "Hi")
    await begun(generation, "Good ")
    engine.live[generation.pk]._parts.append(HALF)  # nothing that is known brings this in
    gate.set()
    row = await finished(generation)
    assert (row.status, row.error_code, row.reply_text) == ("failed", "unwritable", "Good ")


async def test_one_text_that_is_refused_does_not_keep_the_others_from_being_saved(engine, alice, bob, scripted):
    gate = asyncio.Event()
    replies = []
    for user in (alice, bob):
        scripted.enqueue("words", gate.wait)
        replies.append(await say(user, "Hi"))
        await begun(replies[-1], "words")
    texts = [(replies[0].pk, HALF), (replies[1].pk, "more words")]
    assert await in_database(clock.checkpoint, engine.id, texts) == {replies[0].pk}
    assert (await refreshed(replies[1])).reply_text == "more words"
    gate.set()


async def test_what_a_guard_breaks_is_cleaned(engine, alice, scripted, settings):
    settings.CHAT_GUARDS = ["tests.test_settling.Break"]
    scripted.enqueue("BAD words")
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.reply_text) == ("completed", "\N{REPLACEMENT CHARACTER} words")


async def test_a_reply_that_a_guard_held_back_to_its_end_is_not_empty(engine, alice, scripted, settings):
    settings.CHAT_GUARDS = ["tests.test_settling.Hold"]
    scripted.enqueue("Yes.")
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.reply_text) == ("completed", "Yes.")


async def test_a_reply_that_lacked_nothing_is_complete_once_it_was_asked_to_go_on(server, alice):
    server.enqueue("Whole answer.", END % b"length", CLOSE)
    first = await finished(await say(alice, "Hi", model=server.model))
    assert first.finish_reason == "length"
    server.enqueue(END % b"stop", CLOSE)
    row = await finished(await services.continue_reply(first.conversation, first.reply_id))
    assert (row.status, row.finish_reason, row.reply_text) == ("completed", "stop", "Whole answer.")


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_why_a_reply_was_cut_is_not_forgotten_when_it_stops(server, alice, reason):
    server.enqueue("Some wor", END % reason.encode(), END % b"stop", CLOSE)
    row = await finished(await say(alice, "Hi", model=server.model))
    assert row.finish_reason == reason


async def test_a_turn_that_begins_after_the_grace_is_interrupted_too(engine, alice, bob, scripted, settings):
    settings.CHAT_SHUTDOWN_GRACE = 0
    late = []

    async def begin_another():
        """In place of an acceptance that the shutdown found under way: it had asked for the writer before."""
        try:
            await asyncio.Event().wait()
        finally:
            engine._draining_since = None
            scripted.enqueue("late", asyncio.Event().wait)
            acceptance = engine.spawn(say(bob, "Hi"))
            late.append(await asyncio.shield(acceptance))

    scripted.enqueue("words", begin_another)
    generation = await say(alice, "Hi")
    await begun(generation, "words")
    async with asyncio.timeout(10):
        await engine.shutdown()
    rows = [await refreshed(one) for one in (generation, *late)]
    assert [row.status for row in rows] == ["interrupted", "interrupted"]
