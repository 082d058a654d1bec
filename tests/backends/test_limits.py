"""How long a reply may take. Nothing here measures time; a wait that is never ended fails by the guard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conversations.backends.servers.limits import Limits, Watch

GUARD = 20


class TimedOut(Exception):
    pass


def watching(**limits: float) -> Watch:
    defaults = {"first": 3600, "between": 3600, "deadline": 3600}
    return Watch(Limits(**{**defaults, **limits}), lambda phase, seconds: TimedOut(phase, seconds))


async def wait_for_ever(watch: Watch) -> None:
    await guarded(watch, asyncio.Event().wait)


async def read_for_ever(watch: Watch) -> None:
    await guarded(watch, lambda: asyncio.sleep(0.01))


async def guarded(watch: Watch, wait: Callable[[], Awaitable[Any]]) -> None:
    try:
        async with asyncio.timeout(GUARD) as guard:
            while True:
                with watch:
                    await wait()
    finally:
        assert not guard.expired(), "the watch let it wait"


async def test_silence_before_the_first_piece_is_ended():
    with pytest.raises(TimedOut, match=r"first.*0\.05"):
        await wait_for_ever(watching(first=0.05))


async def test_silence_between_pieces_has_a_limit_of_its_own():
    watch = watching(between=0.05)
    watch.begin()
    with pytest.raises(TimedOut, match=r"between.*0\.05"):
        await wait_for_ever(watch)


async def test_pieces_that_keep_coming_run_into_the_deadline():
    with pytest.raises(TimedOut, match="deadline"):
        await read_for_ever(watching(deadline=0.2))


async def test_silence_does_not_outlast_the_deadline():
    with pytest.raises(TimedOut, match="deadline"):
        await wait_for_ever(watching(deadline=0.05))


async def test_a_deadline_that_passed_while_the_reader_was_busy_shows_at_the_next_wait():
    watch = watching(deadline=0.02)
    await asyncio.sleep(0.05)
    with pytest.raises(TimedOut, match="deadline"):
        await wait_for_ever(watch)


async def test_the_time_of_a_slow_reader_is_not_the_servers():
    watch = watching(first=0.3)
    for _ in range(2):
        await asyncio.sleep(0.7)
        with watch:
            await asyncio.sleep(0)


async def test_waiting_goes_on_after_a_slow_reader():
    watch = watching(first=0.05)
    await asyncio.sleep(0.12)
    with pytest.raises(TimedOut, match="first"):
        await wait_for_ever(watch)


async def test_a_wait_can_be_shortened():
    watch = watching()
    watch.shorten(0.05)
    with pytest.raises(TimedOut):
        await wait_for_ever(watch)


async def test_a_cancellation_from_outside_stays_one():
    watch = watching()
    task = asyncio.create_task(wait_for_ever(watch))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_task_is_not_left_half_cancelled():
    with pytest.raises(TimedOut):
        await wait_for_ever(watching(first=0.05))
    assert asyncio.current_task().cancelling() == 0


async def test_an_error_inside_a_wait_passes():
    with pytest.raises(KeyError), watching():
        raise KeyError
