"""A second process that stays, without Redis: whoever runs the site is told, and nothing else changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from conversations.models import Writer
from conversations.streaming import clock
from conversations.streaming.executors import in_database
from tests.test_silent_writers import alive

pytestmark = pytest.mark.django_db(transaction=True)

TOLD = "Another process serves this site"


@pytest.fixture
async def neighbour(engine, settings) -> Writer:
    settings.CHAT_DEPLOY_OVERLAP = 0.3
    settings.CHAT_SILENT_AFTER = 0.5
    await engine.ready()
    return await in_database(lambda: Writer.objects.create(host="another-host", pid=1))


@pytest.fixture
def readiness(async_client):
    async def ask() -> dict:
        answer = await async_client.get("/readyz")
        assert answer.status_code == 200
        return answer.json()

    return ask


async def until(readiness, condition: Callable[[dict], bool]) -> dict:
    async with asyncio.timeout(15):
        while not condition(answer := await readiness()):
            await asyncio.sleep(0.02)
    return answer


def warnings(caplog) -> int:
    return sum(TOLD in record.message for record in caplog.records if record.levelname == "WARNING")


async def test_it_is_told_once_and_again_only_after_it_was_mended(neighbour, readiness, caplog):
    assert await readiness() == {"status": "ok"}
    async with alive(neighbour):
        answer = await until(readiness, lambda answer: "notes" in answer)
        assert answer["status"] == "ok"
        assert TOLD in answer["notes"][0]
        await asyncio.sleep(0.5)  # the clock looks several times
        assert warnings(caplog) == 1
    await until(readiness, lambda answer: "notes" not in answer)  # it fell silent
    async with alive(neighbour):
        await until(readiness, lambda answer: "notes" in answer)
        assert warnings(caplog) == 2
    await in_database(clock.resign, neighbour.pk)
    assert await until(readiness, lambda answer: "notes" not in answer) == {"status": "ok"}


async def test_the_overlap_of_a_deploy_is_not_worth_a_word(neighbour, readiness, settings, caplog):
    settings.CHAT_DEPLOY_OVERLAP = 60.0
    async with alive(neighbour):
        await asyncio.sleep(0.5)
    assert (await readiness(), warnings(caplog)) == ({"status": "ok"}, 0)


async def test_processes_that_redis_connects_are_as_they_should_be(neighbour, readiness, settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # nobody asks it here: the engine's relay is older
    async with alive(neighbour):
        await asyncio.sleep(0.8)
    assert (await readiness(), warnings(caplog)) == ({"status": "ok"}, 0)


async def test_a_process_that_died_is_no_neighbour(neighbour, readiness, caplog):
    await asyncio.sleep(0.8)
    assert (await readiness(), warnings(caplog)) == ({"status": "ok"}, 0)
