"""When a stream ends, over real HTTP: with its session, wherever the reply is written, and never with a closed tab."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.urls import reverse

import chatsite.settings as site_settings
from conversations import streaming
from conversations.models import Generation
from conversations.streaming.executors import DATABASE_THREADS, in_database
from tests.another import Gate, another_process
from tests.crowd import Person, cookies, crowd, read_until
from tests.helpers import finished, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(site) -> str:
    """The cookie of somebody who is signed in."""
    return cookies(1)[0]


def person_of(cookie: str):
    return get_user_model().objects.get(username="bench-1")


def log_out(cookie: str) -> None:
    Session.objects.filter(pk=cookie.split("=", 1)[1]).delete()


def change_password(cookie: str) -> None:
    person = person_of(cookie)
    person.set_password("another correct horse battery")
    person.save()


def deactivate(cookie: str) -> None:
    get_user_model().objects.filter(pk=person_of(cookie).pk).update(is_active=False)


ENDS = pytest.mark.parametrize("end_session", [log_out, change_password, deactivate])


def test_sessions_are_looked_after_often_enough_for_five_seconds():
    assert site_settings.CHAT_SESSION_CHECK_INTERVAL <= 4  # and one query


async def is_sent_away(person: Person, path: str, cookie: str, end_session) -> None:
    """Reads what is there, then loses the session, and with it the stream."""
    async with person.follow(path) as answer:
        await read_until(answer.content, b"secret")
        await in_database(end_session, cookie)
        rest = await answer.content.read()
    assert b"more" not in rest
    assert b"event: done" not in rest
    async with person.follow(path) as answer:
        assert answer.status == 401


@ENDS
def test_a_stream_ends_with_its_session(site, reader, scripted, end_session):
    gate = Gate()
    scripted.enqueue("secret ", gate.wait, "more")

    async def visit() -> None:
        async with crowd(site, [reader]) as (person,):
            await is_sent_away(person, await person.send("Hello"), reader, end_session)

    asyncio.run(visit())
    gate.open()  # the reply itself goes on
    assert status_in_the_end() == "completed"


@ENDS
def test_so_does_that_of_a_reply_which_another_process_writes(site, reader, scripted, end_session):
    gate = Gate()
    scripted.enqueue("secret ", gate.wait, "more")

    async def visit() -> None:
        with another_process() as another:
            generation = await another.run(say(await in_database(person_of, reader), "Hello"))
            async with crowd(site, [reader]) as (person,):
                await is_sent_away(person, reverse("conversations:follow", args=[generation.pk]), reader, end_session)
            gate.open()
            assert (await finished(generation)).status == "completed"

    asyncio.run(visit())


def test_a_closed_tab_stops_nothing(site, reader, scripted):
    gate = Gate()
    scripted.enqueue("one ", gate.wait, "two")

    async def visit() -> None:
        async with crowd(site, [reader]) as (person,):
            async with person.follow(await person.send("Hello")) as answer:
                await read_until(answer.content, b"one")
                answer.close()
            assert await person.open_page() == 200  # by then the site has noticed
            gate.open()

    asyncio.run(visit())
    assert status_in_the_end() == "completed"
    assert Generation.objects.get().reply_text == "one two"


async def test_a_reader_who_waits_for_a_hanging_database_is_sent_away_at_the_end(engine, alice, scripted):
    gate = Gate()
    with another_process() as another:
        scripted.enqueue("one", gate.wait)
        generation = await another.run(say(alice, "Hello"))
        hanging = [asyncio.create_task(in_database(asyncio.run, gate.wait())) for _ in range(DATABASE_THREADS)]
        frames = b""
        async with asyncio.timeout(10):
            async for frame in streaming.follow(generation.pk):
                frames += frame
                if frames.count(b": keep-alive") == 2:
                    streaming.begin_shutdown()
        assert b"event: restart" in frames
        gate.open()
        await asyncio.gather(*hanging)


def status_in_the_end() -> str:
    return asyncio.run(finished(Generation.objects.get())).status
