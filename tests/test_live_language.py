"""What this site says about a reply while it is written is in the language of whoever asked, not the site's own."""

from __future__ import annotations

import asyncio

import pytest
from django.utils import translation

from conversations import services, streaming
from tests.helpers import Endless, finished, say
from tests.reading import parse

pytestmark = pytest.mark.django_db(transaction=True)


async def said_by(generation) -> str:
    """All that a reader gets, as text."""
    async with asyncio.timeout(10):
        return "".join([str(parse(frames)) async for frames in streaming.follow(generation.pk)])


async def test_the_words_under_a_reply_that_was_stopped_are_in_the_readers_language(engine, alice, scripted):
    scripted.enqueue("Half an answer", asyncio.Event().wait)
    with translation.override("vi"):
        generation = await say(alice, "Chào")
        reading = asyncio.create_task(said_by(generation))
        await asyncio.sleep(0.05)
        await services.stop(generation)
        read = await reading
    assert "Bạn đã dừng câu trả lời này." in read
    assert "You stopped this answer." not in read


async def test_what_went_wrong_is_kept_in_the_language_of_whoever_asked(engine, alice, settings, catalogue_of_endless):
    with translation.override("vi"):
        generation = await say(alice, "Chào")
    row = await finished(generation)
    assert row.error == "Câu trả lời đã bị gián đoạn."


@pytest.fixture
def catalogue_of_endless(settings, scripted):
    """The only model's streams end without a finish reason."""
    path = f"{Endless.__module__}.{Endless.__qualname__}"
    settings.CHAT_BACKENDS = {**settings.CHAT_BACKENDS, "scripted": {"BACKEND": path}}
