"""How quick a model is: measured while it writes, and told as the median of what it did of late."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from conversations import services
from conversations.errors import BackendError
from conversations.models import ChatModel, Conversation, Generation, ModelFallback
from conversations.services.speed import forget_speeds
from conversations.streaming.executors import in_database
from conversations.streaming.stopwatch import Stopwatch
from conversations.types import Delta, Usage
from tests.helpers import finished, say

PAUSE = 0.25  # seconds


@pytest.fixture(autouse=True)
def _nothing_known():
    forget_speeds()
    yield
    forget_speeds()


@pytest.fixture
def model(db):
    return ChatModel.objects.create(backend="scripted", model_id="quick", label="Quick")


async def pause():
    await asyncio.sleep(PAUSE)


def another_model() -> ChatModel:
    return ChatModel.objects.create(backend="scripted", model_id="other", label="Other")


def reply_of(user, model, *, first_token_ms=400, age=timedelta(), **fields) -> Generation:
    """A reply that was completed `age` ago."""
    conversation, _ = Conversation.objects.get_or_create(user=user, title="Speed")
    fields = {"status": "completed", "finished_at": timezone.now() - age, "tokens_per_second": 30.0} | fields
    return Generation.objects.create(
        user=user,
        conversation=conversation,
        model=model,
        idempotency_key=uuid4().hex,
        first_token_ms=first_token_ms,
        **fields,
    )


def test_a_speed_is_what_was_written_after_the_first_token():
    watch = Stopwatch(asked=10.0, begun=10.5, ended=12.5)
    assert watch.first_token_ms == 500
    assert watch.tokens_per_second(Usage(completion_tokens=101), "") == 50.0
    assert watch.tokens_per_second(Usage(), "word" * 101) == 50.0  # not counted by the server: estimated


@pytest.mark.parametrize(
    ("watch", "tokens"),
    [
        (Stopwatch(), 100),  # nothing came
        (Stopwatch(asked=1.0, begun=1.5), 100),  # nobody saw its end
        (Stopwatch(asked=1.0, begun=1.5, ended=1.5001), 100),  # all at once
        (Stopwatch(asked=1.0, begun=1.5, ended=3.0), 1),  # one token
    ],
)
def test_what_was_not_written_over_time_has_no_speed(watch, tokens):
    assert watch.tokens_per_second(Usage(completion_tokens=tokens), "") is None


@pytest.mark.django_db(transaction=True)
async def test_a_reply_s_row_tells_when_it_began_and_how_fast_it_came(engine, alice, scripted):
    words = ["word "] * 20
    scripted.enqueue(pause, *words[:10], pause, *words[10:], Delta(finish_reason="stop", usage=Usage(9, 20)))
    row = await finished(await say(alice, "Hi"))
    assert row.first_token_ms >= 1000 * PAUSE
    assert 0 < row.tokens_per_second <= 19 / PAUSE


@pytest.mark.django_db(transaction=True)
async def test_reasoning_counts_as_the_first_token_and_a_notice_does_not(engine, alice, scripted):
    waiting, thinking = Delta(metadata={"waiting": "Loading…"}), Delta(metadata={"reasoning": "Hm."})
    scripted.enqueue(waiting, pause, thinking, pause, pause, pause, pause, "Well")
    row = await finished(await say(alice, "Hi"))
    assert 1000 * PAUSE <= row.first_token_ms < 4000 * PAUSE


@pytest.mark.django_db(transaction=True)
async def test_a_reply_that_never_began_has_no_speed(engine, alice, scripted):
    scripted.enqueue(pause, BackendError("No."))
    row = await finished(await say(alice, "Hi"))
    assert (row.first_token_ms, row.tokens_per_second) == (None, None)


@pytest.mark.django_db(transaction=True)
async def test_a_substitute_is_not_blamed_for_the_time_another_model_took_and_gets_the_credit(engine, alice, scripted):
    asked = await in_database(lambda: ChatModel.objects.get(backend="scripted"))
    substitute = await in_database(another_model)
    await in_database(lambda: ModelFallback.objects.create(model=asked, substitute=substitute))
    services.forget_catalogue()
    scripted.enqueue(*[pause] * 8, BackendError("No."))
    scripted.enqueue("Here ", pause, "I am, and I have a little to say")
    row = await finished(await say(alice, "Hi", model=asked.pk))
    assert row.model_id == substitute.pk
    assert row.first_token_ms < 8000 * PAUSE
    found = await in_database(services.speeds)
    assert found.keys() == {substitute.pk}
    assert found[substitute.pk].tokens_per_second == row.tokens_per_second


def test_the_speed_is_the_median_of_recent_replies(alice, model):
    for first, rate in [(200, 10.0), (400, 20.0), (90_000, 30.0)]:
        reply_of(alice, model, first_token_ms=first, tokens_per_second=rate)
    assert services.speeds() == {model.pk: services.Speed(3, 0.4, 20.0)}


def test_only_completed_replies_of_the_last_fortnight_count(alice, model):
    reply_of(alice, model, age=timedelta(days=15))
    reply_of(alice, model, status="failed")
    reply_of(alice, model, status="cancelled")
    reply_of(alice, model, first_token_ms=None)
    assert services.speeds() == {}


def test_the_newest_fifty_replies_of_each_model_count(alice, model):
    other = another_model()
    for minutes in range(100):
        reply_of(alice, model, age=timedelta(minutes=minutes), first_token_ms=100 if minutes < 50 else 90_000)
    reply_of(alice, other, first_token_ms=700, tokens_per_second=None)
    assert services.speeds() == {
        model.pk: services.Speed(50, 0.1, 30.0),
        other.pk: services.Speed(1, 0.7, None),
    }


def test_speeds_are_looked_up_with_one_query_and_kept_for_a_while(alice, model, settings, django_assert_num_queries):
    settings.CHAT_SPEED_AGE = 3600.0
    reply_of(alice, model)
    with django_assert_num_queries(1):
        assert services.speeds()[model.pk].replies == 1
    reply_of(alice, model)
    with django_assert_num_queries(0):
        assert services.speeds()[model.pk].replies == 1


@pytest.mark.django_db(transaction=True)
async def test_sending_a_message_asks_nothing_about_speeds(engine, alice, scripted, monkeypatch):
    asked = []
    monkeypatch.setattr("conversations.services.speed._recent_replies", lambda: asked.append(1) or [])
    await finished(await say(alice, "Hi"))
    assert asked == []
