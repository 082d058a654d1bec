"""Readers: whatever they miss, whenever they come and go, what they read is what is stored."""

from __future__ import annotations

import asyncio

import pytest

from conversations import services, streaming
from conversations.errors import BackendError
from conversations.models import Generation
from conversations.rendering import render
from conversations.streaming import Visitor, parse_cursor, sessions
from conversations.streaming.executors import in_database
from conversations.streaming.feed import Feed
from conversations.streaming.frame_log import LOG_BYTES
from conversations.streaming.live_blocks import render_all
from conversations.types import Delta
from tests.helpers import finished, refreshed, say
from tests.reading import Page, parse

pytestmark = pytest.mark.django_db(transaction=True)

ANSWER = (
    "# Title\n\nSome *words* here.\n- one\n- two\n\n```python\nprint(1)\n\nprint(2)\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end."
)


def pieces(text: str, size: int = 3) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


async def read_all(generation, cursor=None, page: Page | None = None) -> Page:
    page = page or Page()
    async with asyncio.timeout(10):
        async for frames in streaming.follow(generation.pk, cursor):
            page.take(frames)
    return page


def paced(text: str, size: int = 3) -> list:
    """Pieces with a turn of the loop in between, so that readers get several frames."""
    return [step for piece in pieces(text, size) for step in (piece, lambda: asyncio.sleep(0.002))]


async def test_a_reader_sees_what_is_stored(engine, alice, scripted):
    scripted.enqueue(*paced(ANSWER))
    generation = await say(alice, "Hi")
    page = await read_all(generation)
    assert page.settled == render(ANSWER)
    assert page.status == "completed"
    assert "delta" in page.names
    assert "settled" in page.names


async def test_two_readers_see_the_same(engine, alice, scripted):
    scripted.enqueue(*paced(ANSWER))
    generation = await say(alice, "Hi")
    first, second = await asyncio.gather(read_all(generation), read_all(generation))
    assert first.settled == second.settled == render(ANSWER)


async def test_a_reader_resumes_after_the_last_event_it_saw(engine, alice, scripted):
    scripted.enqueue(*paced(ANSWER))
    generation = await say(alice, "Hi")
    page, cuts = Page(), 0
    while page.status == "in_progress":
        async for frames in streaming.follow(generation.pk, parse_cursor(page.cursor)):
            page.take(frames)
            if parse(frames) and page.status == "in_progress":
                cuts += 1
                break
    assert cuts > 10
    assert page.settled == render(ANSWER)
    assert "reset" not in page.names[1:]


async def test_what_a_resuming_reader_shows_is_always_a_part_of_the_answer(engine, alice, scripted):
    scripted.enqueue(*paced("one two three\n\nfour five six\n\nseven", 2))
    generation = await say(alice, "Hi")
    page = Page()
    while page.status == "in_progress":
        async for frames in streaming.follow(generation.pk, parse_cursor(page.cursor)):
            page.take(frames)
            shown = page.text.replace("\n", "").replace(" ", "")
            assert "onetwothreefourfivesixseven".startswith(shown)
            if parse(frames) and page.status == "in_progress":
                break


async def test_a_cursor_that_does_not_fit_starts_anew(engine, alice, scripted):
    scripted.enqueue(*paced(ANSWER))
    generation = await say(alice, "Hi")
    page = await read_all(generation, parse_cursor("999999.99"))
    assert page.names[0] == "reset"
    assert page.settled == render(ANSWER)


@pytest.mark.parametrize("text", ["", "end", "1", "-1.0", "1.x", "²2.1", "1.2.x", "1.2.3.4", "9" * 40 + ".1"])
def test_a_cursor_that_is_none_is_none(text):
    assert parse_cursor(text) is None


async def test_a_reader_that_leaves_does_not_stop_the_reply(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("one ", gate.wait, "two")
    generation = await say(alice, "Hi")
    async for frames in streaming.follow(generation.pk):
        if b"one" in frames:
            break
    gate.set()
    assert (await finished(generation)).reply_text == "one two"


async def test_a_reply_that_another_process_writes_is_read_from_its_row(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(*pieces(ANSWER[:40]), gate.wait, *pieces(ANSWER[40:]))
    generation = await say(alice, "Hi")
    engine.relay.end(generation.pk)  # as if this process had never heard of it

    async def go_on():
        while (await refreshed(generation)).reply_text != ANSWER[:40]:
            await asyncio.sleep(0.01)
        gate.set()

    page, _ = await asyncio.gather(read_all(generation), go_on())
    assert page.settled == render(ANSWER)
    assert page.status == "completed"


async def test_a_failed_reply_tells_why_under_what_arrived(engine, alice, scripted):
    scripted.enqueue("half ", lambda: asyncio.sleep(0.01), BackendError("The token is wrong."))
    page = await read_all(await say(alice, "Hi"))
    assert page.status == "failed"
    assert "half" in page.settled
    assert "The token is wrong." in page.footer


async def test_link_definitions_are_resolved_at_the_end(engine, alice, scripted):
    answer = "See [the page][1].\n\nMore.\n\n[1]: https://example.com/\n"
    scripted.enqueue(*paced(answer))
    page = await read_all(await say(alice, "Hi"))
    assert page.settled == render(answer)
    assert 'href="https://example.com/"' in page.settled


async def test_the_title_follows_the_answer(engine, alice, scripted):
    scripted.enqueue_title("Baking Bread")
    page = await read_all(await say(alice, "Hi"))
    assert page.names[-2:] == ["done", "title"]
    assert page.title == "Baking Bread"


async def test_a_reader_who_comes_after_the_answer_still_gets_its_title(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Hello")
    scripted.enqueue_title(gate.wait, "Baking Bread")
    generation = await say(alice, "Hi")
    await finished(generation)
    reading = asyncio.create_task(read_all(generation))
    await asyncio.sleep(0.05)
    gate.set()
    page = await reading
    assert page.text == "Hello"
    assert page.title == "Baking Bread"


async def test_a_reader_who_comes_after_everything_gets_the_title_at_once(engine, alice, scripted):
    scripted.enqueue_title("Baking Bread")
    generation = await say(alice, "Hi")
    await read_all(generation)
    row = await in_database(lambda: Generation.objects.select_related("conversation").get())
    page = Page().take(await in_database(streaming.finished_frames, row))
    assert (page.text, page.title) == ("Hi", "Baking Bread")


async def test_what_a_silent_model_does_is_told(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(Delta(metadata={"waiting": "Loading the model…"}), gate.wait, "ready")
    generation = await say(alice, "Hi")
    async for frames in streaming.follow(generation.pk):
        if waiting := [event for event in parse(frames) if event.name == "waiting"]:
            assert waiting[0].data["text"] == "Loading the model…"
            break
    gate.set()
    await finished(generation)


async def test_a_silent_model_s_readers_hear_heartbeats(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "late")
    generation = await say(alice, "Hi")
    beats = 0
    async with asyncio.timeout(10):
        async for frames in streaming.follow(generation.pk):
            beats += frames.count(b": keep-alive")
            if beats == 2:
                gate.set()
                break
    await finished(generation)


async def test_a_reader_whose_session_ended_is_sent_away(engine, alice, scripted, client):
    gate = asyncio.Event()
    scripted.enqueue("secret ", gate.wait, "more")
    await in_database(client.force_login, alice)
    visitor = await in_database(_visitor, client, alice)
    generation = await say(alice, "Hi")

    async def log_out():
        await asyncio.sleep(0.05)
        await in_database(client.logout)

    async def read() -> Page:
        page = Page()
        async for frames in streaming.follow(generation.pk, None, visitor):
            page.take(frames)
        return page

    async with asyncio.timeout(10):
        page, _ = await asyncio.gather(read(), log_out())
    assert page.status == "in_progress"
    gate.set()
    assert (await finished(generation)).status == "completed"


def _visitor(client, user) -> Visitor:
    return Visitor(client.session.session_key, user.pk)


def test_sessions_end_with_log_out_deactivation_and_a_new_password(client, alice, bob, settings):
    client.force_login(alice)
    visitor = _visitor(client, alice)
    assert sessions.ended([visitor]) == set()
    assert sessions.ended([Visitor(visitor.session_key, bob.pk)])
    alice.is_active = False
    alice.save()
    assert sessions.ended([visitor]) == {visitor}
    alice.is_active = True
    alice.set_password("another password")
    alice.save()
    assert sessions.ended([visitor]) == {visitor}


async def test_shutting_down_sends_readers_away_and_says_so(engine, alice, scripted, settings):
    settings.CHAT_SHUTDOWN_GRACE = 0.05
    scripted.enqueue("some ", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    page = Page()
    async with asyncio.timeout(10):
        async for frames in streaming.follow(generation.pk):
            page.take(frames)
            streaming.begin_shutdown()
    assert page.names[-1] == "restart"


async def test_a_slow_reader_costs_no_memory_and_misses_nothing():
    feed = Feed(asyncio.get_running_loop())
    position = feed.position
    text = "word " * 50_000
    for piece in pieces(text, 100):
        feed.receive(piece)
    assert feed.read(position) is None
    assert sum(len(frame) for frame, _ in feed._frames) <= LOG_BYTES + 1_000
    page, seen = Page(), None
    while seen != feed.cursor:
        frames, seen = feed.catch_up(seen)
        assert sum(map(len, frames)) <= 64_000
        page.take(b"".join(frames))
    assert page.text == text


@pytest.mark.parametrize("goes_down", [False, True])
async def test_a_reader_who_comes_while_the_end_is_rendered_gets_each_block_once(goes_down):
    feed = Feed(asyncio.get_running_loop())
    feed.receive("The first block\n\nand the last")
    if goes_down:
        feed.close()
    feed.finish()
    unsettled = feed.unsettled
    coming = asyncio.create_task(feed.rendered())
    await asyncio.wait([coming], timeout=0.2)  # time enough to render, if it did
    feed.complete(render_all(unsettled, "")[0], {"status": "completed"})
    await coming
    assert b"".join(feed.catch_up(None)[0]).count(b"The first block") == 1


async def test_a_burst_is_joined_into_few_frames(engine, alice, scripted, settings):
    settings.CHAT_FLUSH_INTERVAL = 0.08
    scripted.enqueue(*pieces("word " * 2_000, 5))
    page = await read_all(await say(alice, "Hi"))
    assert page.names.count("delta") < 100
    assert page.status == "completed"


async def test_deleting_ends_the_reading(engine, alice, scripted):
    scripted.enqueue("some ", asyncio.Event().wait)
    generation = await say(alice, "Hi")

    async def remove():
        await asyncio.sleep(0.05)
        await in_database(services.delete, generation.conversation)

    await asyncio.gather(read_all(generation), remove())
    assert not await in_database(Generation.objects.exists)
