"""What was left alone comes back by itself: one probe after the rest, then everybody."""

from __future__ import annotations

import asyncio
import threading

import pytest

from conversations import services
from tests.faults.upstreams import LEFT_ALONE, answered, asked, fail, follow_to_the_end, until
from tests.helpers import say
from tests.upstream import HANG, Answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_second_try(settings):
    """One message is one request, so that they can be counted."""
    settings.CHAT_RETRY_PATIENCE = 0
    settings.CHAT_BREAKER_FAILURES = 3


async def test_a_server_that_is_back_is_found_again(connect, away, alice, rest):
    rest(0.1)
    await connect(acme={"base_url": away.url})
    away.cut()
    for _ in range(4):
        assert (await answered(alice)).row.status == "failed"
    away.heal()
    async with asyncio.timeout(20):
        while (turn := await answered(alice)).row.status != "completed":
            assert LEFT_ALONE in turn.page.footer


async def test_a_server_with_one_broken_model_can_be_reached(connect, upstream, away, alice, rest):
    models = await connect(acme={"models": ["broken", "well"], "base_url": away.url})
    rest(0.01)
    away.cut()
    for _ in range(3):
        await answered(alice, model=models["broken"].pk)
    away.heal()
    rest(1000)
    await asyncio.sleep(0.02)
    await fail(alice, upstream, Answer(500), times=1, model=models["broken"].pk)
    assert (await answered(alice, model=models["well"].pk)).row.status == "completed"


async def test_one_probe_passes_and_its_answer_lets_everybody_in(connect, upstream, alice, bob, rest):
    await connect(acme={})
    rest(0.01)
    await fail(alice, upstream, Answer(500))
    rest(1000)
    gate = threading.Event()
    upstream.enqueue(gate, "Here I am")
    await asyncio.sleep(0.02)
    probe = await say(alice, "Are you back?")
    await until(lambda: len(asked(upstream)) == 4)
    assert LEFT_ALONE in (await answered(alice)).page.footer
    assert LEFT_ALONE in (await answered(bob)).page.footer
    assert len(asked(upstream)) == 4
    gate.set()
    page, _ = await follow_to_the_end(probe)
    assert page.status == "completed"
    assert (await answered(bob)).row.status == "completed"


async def test_a_probe_that_fails_keeps_the_others_out(connect, upstream, alice, rest):
    await connect(acme={})
    rest(0.01)
    await fail(alice, upstream, Answer(500))
    await asyncio.sleep(0.02)
    rest(1000)
    await fail(alice, upstream, Answer(500), times=1)
    assert LEFT_ALONE in (await answered(alice)).page.footer
    assert len(asked(upstream)) == 4


async def test_a_probe_that_is_stopped_leaves_its_place_to_the_next(connect, upstream, alice, rest):
    await connect(acme={})
    rest(0.01)
    await fail(alice, upstream, Answer(500))
    await asyncio.sleep(0.02)
    rest(1000)
    upstream.enqueue(HANG)
    probe = await say(alice, "Are you back?")
    await until(lambda: len(asked(upstream)) == 4)
    await services.stop(probe)
    await follow_to_the_end(probe)
    assert (await answered(alice)).row.status == "completed"
