"""A reply that one process writes and another shows: the same as if both were one, with Redis and without."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversations import streaming
from conversations.models import Conversation, Generation, Writer
from conversations.relay.stream_entries import stream_key
from conversations.rendering import render
from conversations.streaming import parse_cursor
from conversations.streaming.distant import NEVER_AGAIN, DistantReply
from conversations.streaming.executors import DATABASE_THREADS, in_database
from conversations.streaming.feed import Feed
from conversations.streaming.frames import HEARTBEAT
from conversations.types import Delta
from tests.another import AnotherProcess, Gate, another_process
from tests.helpers import finished, refreshed, say
from tests.reading import Page, parse

pytestmark = pytest.mark.django_db(transaction=True)

ANSWER = (
    "# Title\n\nSome *words* here.\n- one\n- two\n\n```python\nprint(1)\n\nprint(2)\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end: 世界 👋🏽."
)
HALF = len(ANSWER) // 2


def paced(text: str, size: int = 3, pause: float = 0.004) -> list:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    return [step for piece in pieces for step in (piece, lambda: asyncio.sleep(pause))]


@pytest.fixture
def redis(redis_server, settings):
    settings.REDIS_URL = redis_server.url
    return redis_server


@pytest.fixture(params=["with Redis", "without Redis"])
def connection(request):
    """What connects the two processes."""
    if request.param == "with Redis":
        request.getfixturevalue("redis")


@pytest.fixture
def slow_rows(settings):
    """Rows are read and written so rarely that what comes soon came through Redis."""
    settings.CHAT_POLL_INTERVAL = settings.CHAT_CLOCK_INTERVAL = 3600


@pytest.fixture
async def another(engine):
    """The process that writes; the test's own is the one that reads."""
    await engine.ready()
    with another_process() as process:
        async with asyncio.timeout(10):  # both have this test's pid: who came later took the other for gone
            while await in_database(Writer.objects.count) < 2:
                await asyncio.sleep(0.01)
        yield process


async def said_there(another: AnotherProcess, user, text: str = "Hi") -> Generation:
    return await another.run(say(user, text))


async def read_all(generation, cursor=None, page: Page | None = None) -> Page:
    page = page or Page()
    async with asyncio.timeout(15):
        async for frames in streaming.follow(generation.pk, cursor):
            page.take(frames)
    return page


async def reading(generation, text: str) -> tuple[asyncio.Task, Page]:
    """A reader here who has seen this much already, and goes on."""
    page = Page()
    task = asyncio.create_task(read_all(generation, page=page))
    async with asyncio.timeout(10):
        while text not in page.text and not task.done():
            await asyncio.sleep(0.005)
    return task, page


async def read_until(generation, text: str) -> Page:
    """What a reader has seen who leaves then."""
    page = Page()
    async for frames in streaming.follow(generation.pk):
        if text in page.take(frames).text:
            break
    return page


@pytest.mark.usefixtures("connection")
class TestBothWays:
    async def test_a_reader_sees_what_is_stored(self, another, alice, scripted):
        scripted.enqueue(*paced(ANSWER))
        page = await read_all(await said_there(another, alice))
        assert page.settled == render(ANSWER)
        assert page.status == "completed"
        assert "restart" not in page.names

    async def test_a_reader_that_is_cut_again_and_again_resumes(self, another, alice, scripted):
        parts = [ANSWER[i : i + 20] for i in range(0, len(ANSWER), 20)]
        gates = [Gate() for _ in parts]
        scripted.enqueue(*(step for part, gate in zip(parts, gates, strict=True) for step in (part, gate.wait)))
        generation = await said_there(another, alice)
        page, closed = Page(), iter(gates)
        async with asyncio.timeout(20):
            while page.status == "in_progress":
                async for frames in streaming.follow(generation.pk, parse_cursor(page.cursor)):
                    page.take(frames)
                    if parse(frames) and page.status == "in_progress":
                        if gate := next(closed, None):  # the next part comes only now that the reader was cut
                            gate.open()
                        break
        assert page.settled == render(ANSWER)
        assert "reset" not in page.names[1:]

    @pytest.mark.parametrize("patience", [1.0, 0.01])  # seconds: it waits for the row, or gives up and starts anew
    async def test_a_reader_who_knows_more_than_the_row_sees_nothing_twice(
        self, another, alice, scripted, settings, patience
    ):
        gate, whole = Gate(), "one two three four five"
        scripted.enqueue(*paced("one two three "), gate.wait, *paced("four five"))
        generation = await said_there(another, alice)
        page = await another.run(read_until(generation, "three "))
        await until_row_says(generation, "one two three ")
        await in_database(lambda: Generation.objects.filter(pk=generation.pk).update(reply_text=""))  # as it was before
        settings.CHAT_POLL_INTERVAL = patience
        asyncio.get_running_loop().call_later(0.2, gate.open)
        async with asyncio.timeout(10):
            async for frames in streaming.follow(generation.pk, parse_cursor(page.cursor)):
                assert whole.startswith(page.take(frames).text)
        assert page.text == whole
        if patience == 1.0:
            assert "reset" not in page.names[1:]

    async def test_the_title_follows(self, another, alice, scripted):
        gate = Gate()
        scripted.enqueue("Hello")
        scripted.enqueue_title(gate.wait, "Baking Bread")
        generation = await said_there(another, alice)
        task = asyncio.create_task(read_all(generation))
        await finished(generation)
        gate.open()
        page = await task
        assert page.names[-2:] == ["done", "title"]
        assert page.title == "Baking Bread"

    async def test_who_comes_between_answer_and_title_gets_both(self, another, alice, scripted):
        gate = Gate()
        scripted.enqueue("Hello")
        scripted.enqueue_title(gate.wait, "Baking Bread")
        row = await finished(await said_there(another, alice))
        assert streaming.is_followed_up(row)
        task, page = await reading(row, "Hello")
        assert (page.status, page.title) == ("completed", "")
        gate.open()
        await task
        assert page.title == "Baking Bread"

    async def test_a_reader_hears_heartbeats_while_the_database_hangs(self, another, alice, scripted):
        gate, hanging = Gate(), threading.Event()
        scripted.enqueue("some ", gate.wait, "words")
        generation = await said_there(another, alice)
        jobs = [asyncio.create_task(in_database(hanging.wait, 10)) for _ in range(DATABASE_THREADS)]
        heard = b""
        async with asyncio.timeout(10):
            async for frames in streaming.follow(generation.pk):
                heard += frames
                if heard.count(HEARTBEAT) >= 2:
                    hanging.set()
                    gate.open()
        await asyncio.gather(*jobs)
        assert Page().take(heard).text == "some words"

    async def test_a_failure_is_told(self, another, alice, scripted):
        scripted.enqueue("half ", ValueError("a bug"))
        page = await read_all(await said_there(another, alice))
        assert page.status == "failed"
        assert "half" in page.settled

    async def test_a_deleted_reply_sends_its_readers_away(self, another, alice, scripted):
        scripted.enqueue("some ", Gate().wait)
        generation = await said_there(another, alice)
        task, page = await reading(generation, "some")
        await in_database(generation.delete)
        await task
        assert page.names[-1] == "restart"

    async def test_readers_are_sent_away_when_their_own_process_ends(self, another, alice, scripted, engine):
        gate = Gate()
        scripted.enqueue("some ", gate.wait, "more")
        generation = await said_there(another, alice)
        task, page = await reading(generation, "some")
        streaming.begin_shutdown()
        await task
        assert page.names[-1] == "restart"
        gate.open()
        assert (await finished(generation)).reply_text == "some more"


async def test_text_comes_through_redis_and_not_from_the_row(redis, another, alice, scripted, slow_rows):
    await until_clocks_rest()
    scripted.enqueue(*paced("some words "), Gate().wait)
    generation = await said_there(another, alice)
    task, page = await reading(generation, "some words ")
    assert page.text == "some words "
    assert (await refreshed(generation)).reply_text == ""
    task.cancel()


async def test_what_a_silent_model_does_is_told_through_redis(redis, another, alice, scripted):
    gate = Gate()
    scripted.enqueue(Delta(metadata={"waiting": "Loading the model…"}), gate.wait, "ready")
    generation = await said_there(another, alice)
    task, page = await reading(generation, "")
    async with asyncio.timeout(10):
        while "waiting" not in page.names:
            await asyncio.sleep(0.005)
    gate.open()
    await task
    assert page.text == "ready"


async def until_clocks_rest() -> None:
    """A slower pace begins with the tick after the next."""
    before, now = None, await in_database(counters)
    async with asyncio.timeout(10):
        while now != before:
            await asyncio.sleep(0.3)
            before, now = now, await in_database(counters)


def counters() -> list[int]:
    return list(Writer.objects.values_list("counter", flat=True))


async def interrupted(another, alice, scripted, break_it, mend_it) -> Page:
    """A reply in whose middle something happens to Redis, before and after its end."""
    middle, last = Gate(), Gate()
    scripted.enqueue(*paced(ANSWER[:HALF]), middle.wait, *paced(ANSWER[HALF:]), last.wait)
    generation = await said_there(another, alice)
    task, page = await reading(generation, "words")
    break_it()
    middle.open()
    await until_row_says(generation, ANSWER)
    mend_it()
    last.open()
    await task
    assert (await refreshed(generation)).reply_text == ANSWER
    return page


async def until_row_says(generation, text: str) -> None:
    async with asyncio.timeout(10):
        while (await refreshed(generation)).reply_text != text:
            await asyncio.sleep(0.01)


async def test_a_reply_outlives_a_redis_that_dies(redis, another, alice, scripted):
    page = await interrupted(another, alice, scripted, redis.kill, lambda: None)
    assert (page.settled, page.status) == (render(ANSWER), "completed")


async def test_a_reply_outlives_a_redis_that_is_restarted_empty(redis, another, alice, scripted):
    page = await interrupted(another, alice, scripted, redis.kill, redis.start)
    assert (page.settled, page.status) == (render(ANSWER), "completed")


async def test_a_reply_outlives_a_redis_that_hangs(redis, another, alice, scripted):
    page = await interrupted(another, alice, scripted, redis.pause, redis.resume)
    assert (page.settled, page.status) == (render(ANSWER), "completed")


async def test_a_reply_begins_and_ends_while_redis_is_away(redis, another, alice, scripted):
    redis.kill()
    scripted.enqueue(*paced(ANSWER))
    page = await read_all(await said_there(another, alice))
    assert (page.settled, page.status) == (render(ANSWER), "completed")


async def test_what_redis_lost_is_filled_from_the_row(redis, another, alice, scripted):
    from redis.asyncio import Redis

    gate = Gate()
    scripted.enqueue(*paced(ANSWER[:HALF]), gate.wait, *paced(ANSWER[HALF:]))
    generation = await said_there(another, alice)
    client = Redis.from_url(redis.url)
    key = stream_key("chatsite", generation.pk)
    task, page = await reading(generation, "words")
    async with asyncio.timeout(10):
        while not await client.xlen(key):
            await asyncio.sleep(0.01)
    gate.open()
    while not task.done():
        await client.delete(key)  # whatever is written between two of these is never read
        await asyncio.sleep(0.003)
    await client.aclose()
    assert page.settled == render(ANSWER)


async def test_many_replies_elsewhere_cost_one_query(another, alice, scripted, settings, caplog):
    settings.CHAT_MAX_RUNNING_REPLIES = 20
    gate = Gate()
    generations = []
    for _ in range(12):
        scripted.enqueue("some ", gate.wait, "more")
        generations.append(await said_there(another, alice))
    for generation in generations:
        await until_row_says(generation, "some ")
    settings.CHAT_POLL_INTERVAL = 0.5  # longer than what lies between two of the readers
    tasks = [(await reading(generation, "some"))[0] for generation in generations]
    settings.DEBUG = True  # Django then logs its queries
    caplog.set_level(logging.DEBUG, "django.db.backends")
    async with asyncio.timeout(10):
        while rows_read(caplog)[-3:] != [12, 12, 12]:  # soon after they came, one by one
            await asyncio.sleep(0.01)
    settings.DEBUG = False
    gate.open()
    pages = await asyncio.gather(*tasks)
    assert {page.text for page in pages} == {"some more"}


def rows_read(caplog) -> list[int]:
    """Of how many replies each query asked for the text, with its title: only readers of other processes' do."""
    queries = [record.sql for record in caplog.records if hasattr(record, "sql")]
    lists = [re.search(r'reply_text.*title_source.*"id" IN \(([^)]*)\)', sql) for sql in queries]
    return [found[1].count(",") + 1 for found in lists if found]


def turn(alice, **fields) -> Generation:
    """A row that another process wrote."""
    conversation = Conversation.objects.create(user=alice, title="Hi")
    writer = Writer.objects.create(host="elsewhere", pid=1)
    data = {"status": "completed", "finished_at": timezone.now(), "backend": "scripted", "writer": writer} | fields
    return Generation.objects.create(
        user=alice, conversation=conversation, user_message_id="a", reply_id="b", idempotency_key=uuid4().hex, **data
    )


@pytest.mark.parametrize(
    ("fields", "may_go_on"),
    [
        ({}, True),
        ({"status": "in_progress", "finished_at": None}, True),
        ({"status": "failed"}, False),
        ({"backend": "guide"}, False),
        ({"backend": "gone"}, False),
        ({"writer": None}, False),
        ({"finished_at": timezone.now() - timezone.timedelta(minutes=5)}, False),
    ],
)
async def test_whether_anything_may_come_from_another_process(engine, alice, fields, may_go_on):
    row = await in_database(lambda: turn(alice, **fields))
    assert streaming.is_followed_up(row) is may_go_on


async def test_nothing_more_comes_once_there_is_a_title(engine, alice):
    row = await in_database(lambda: turn(alice))
    row.conversation.title_source = Conversation.TitleSource.MODEL
    assert not streaming.is_followed_up(row)


# However the cuts fall: the relay loses, repeats and overlaps, the row lags behind.

EVENTS = st.lists(
    st.tuples(st.sampled_from(["entry", "next", "row", "thoughts"]), st.integers(0, 20), st.integers(0, 20)),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@hypothesis_settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=20), events=EVENTS)
def test_every_character_is_shown_once_and_in_order(loop, text, events):
    async def show():
        feed, outcomes = Feed(loop), []
        feed.on_finish = lambda: outcomes.append("decided")
        reply = DistantReply(uuid4(), feed, asyncio.Event(), asyncio.Event())
        conversation = Conversation(title="Hi", title_source="user")
        reply.read(Generation(conversation=conversation, reply_text=""), loop.time())
        for kind, start, end in events:
            if kind == "next":  # as a relay brings it when all is well, or with some of it twice
                shown = feed.cursor.characters
                start, end = max(0, shown - start % 4), shown + 1 + end % 4
            start, end = sorted((min(start, len(text)), min(end, len(text))))
            if kind == "row":
                row = Generation(conversation=conversation, reply_text=text[:end], reasoning_text=text[:start])
                reply.read(row, loop.time())
            elif end > start and kind == "thoughts":
                reply.receive_thoughts_at(end, text[start:end], end)
            elif end > start:
                reply.receive_at(end, text[start:end])
            assert text.startswith("".join(feed.unsettled))
            assert text.startswith("".join(feed._thoughts))
        row = Generation(conversation=conversation, reply_text=text, reasoning_text=text, status="completed")
        reply.read(row, loop.time())
        reply.receive_at(len(text), text)
        reply.receive_thoughts_at(len(text), text, 1)
        assert "".join(feed._thoughts) == text
        assert ("".join(feed.unsettled), outcomes, reply.due) == (text, ["decided"], NEVER_AGAIN)

    loop.run_until_complete(show())
