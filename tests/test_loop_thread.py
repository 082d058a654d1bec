"""The thread of the event loop formats nothing that may take long: eight hundred readers would wait for it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import pytest

from conversations import streaming
from conversations.rendering import reply as formatting
from conversations.rendering import warm_up
from conversations.streaming.live_blocks import SHORT_SOURCE
from tests.helpers import finished, say
from tests.reading import Page
from tests.rendering_pieces import CORPUS, hostile_blocks

FORMATTER = formatting._format.__code__
PIECE = 100  # characters
LIST = "- an *item* with `code` and [a link](https://example.com)\n" * 60 + "\nThe end, **formatted**.\n"


class Watch:
    """Which thread formatted what, as a profiler sees it."""

    def __init__(self) -> None:
        self.formatted: dict[int, list[str]] = {}

    def __call__(self, frame, event: str, _argument) -> None:
        if event == "call" and frame.f_code is FORMATTER:
            self.formatted.setdefault(threading.get_ident(), []).append(frame.f_locals["source"])


@contextmanager
def watching() -> Iterator[Watch]:
    watch = Watch()
    threading.setprofile(watch)  # threads that begin from now on
    sys.setprofile(watch)
    try:
        yield watch
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def paced(text: str) -> list:
    pieces = [text[i : i + PIECE] for i in range(0, len(text), PIECE)]
    return [step for piece in pieces for step in (piece, lambda: asyncio.sleep(0.002))]


async def read(generation, *, late: bool) -> Page:
    page = Page()
    if late:
        await asyncio.sleep(0.02)
    async for frames in streaming.follow(generation.pk):
        page.take(frames)
    return page


@pytest.mark.django_db(transaction=True)
async def test_long_and_hostile_texts_are_formatted_by_other_threads(engine, alice, scripted, settings):
    warm_up()
    hostile = (text[:4_000] for text in hostile_blocks(seed=3) if "\n" in text)
    texts = [LIST, *islice(hostile, 5), CORPUS[0].read_text(encoding="utf-8")[:4_000]]
    settings.CHAT_MAX_RUNNING_REPLIES = len(texts)
    with watching() as watch:
        for text in texts:
            scripted.enqueue(*paced(text))
        generations = [await say(alice, "Hi") for _ in texts]
        readings = [read(generation, late=late) for generation in generations for late in (False, True)]
        async with asyncio.timeout(30):
            pages = await asyncio.gather(*readings)
            for generation in generations:
                await finished(generation)
    assert {page.status for page in pages} == {"completed"}
    here = watch.formatted.pop(threading.get_ident(), [])
    assert [source for source in here if len(source) > SHORT_SOURCE] == []
    assert any(len(source) > SHORT_SOURCE for sources in watch.formatted.values() for source in sources)
