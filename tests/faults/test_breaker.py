"""What is down is left alone: whoever asks is told at once (test_recovery.py: and it comes back by itself)."""

from __future__ import annotations

import pytest

from conversations.backends import get_backend
from conversations.titles import make_title
from conversations.types import Message
from tests.faults.upstreams import LEFT_ALONE, answered, asked, fail, stand_in
from tests.upstream import CUT, HANG, Answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_second_try(settings):
    """One message is one request, so that they can be counted."""
    settings.CHAT_RETRY_PATIENCE = 0
    settings.CHAT_BREAKER_FAILURES = 3


@pytest.mark.parametrize("fault", [Answer(500), Answer(503), Answer(504), CUT])
async def test_a_model_that_failed_in_a_row_is_not_asked_for_a_while(connect, upstream, alice, rest, fault):
    await connect(acme={})
    await fail(alice, upstream, fault)
    turn = await answered(alice)
    assert turn.row.status == "failed"
    assert LEFT_ALONE in turn.page.footer
    assert "“Acme”" in turn.page.footer
    assert "Try again in 17 minutes" in turn.page.footer
    assert len(asked(upstream)) == 3


async def test_a_model_that_hangs_keeps_only_the_first_waiting(connect, upstream, alice, rest, settings):
    settings.CHAT_BREAKER_FAILURES = 1
    await connect(acme={"first_token_timeout": 0.5})
    await fail(alice, upstream, HANG, times=1)
    assert LEFT_ALONE in (await answered(alice)).page.footer
    assert len(asked(upstream)) == 1


async def test_an_answer_in_between_ends_the_row(connect, upstream, alice, rest):
    await connect(acme={})
    for _ in range(2):
        await fail(alice, upstream, Answer(500), times=2)
        assert (await answered(alice)).row.status == "completed"


SAYS_NO = [
    Answer(400),
    Answer(401),
    Answer(402),
    Answer(413),
    Answer(429),
    Answer(503, headers={"Retry-After": "9"}),
    Answer(503, {"error": "Model test is currently loading"}),
]


@pytest.mark.parametrize("refusal", SAYS_NO)
async def test_whoever_says_no_is_alive(connect, upstream, alice, rest, refusal):
    await connect(acme={})
    await fail(alice, upstream, refusal, times=4)
    assert (await answered(alice)).row.status == "completed"


async def test_what_broke_in_the_middle_had_answered(connect, upstream, alice, rest):
    await connect(acme={})
    await fail(alice, upstream, "Hel", CUT, times=4)
    assert (await answered(alice)).row.status == "completed"


async def test_another_model_of_the_same_server_is_still_asked(connect, upstream, alice, rest):
    models = await connect(acme={"models": ["broken", "well"]})
    await fail(alice, upstream, Answer(500), model=models["broken"].pk)
    assert LEFT_ALONE in (await answered(alice, model=models["broken"].pk)).page.footer
    assert (await answered(alice, model=models["well"].pk)).row.status == "completed"


async def test_a_server_that_cannot_be_reached_is_left_alone_with_all_its_models(connect, away, alice, rest):
    models = await connect(acme={"models": ["one", "two"], "base_url": away.url})
    away.cut()
    for _ in range(3):
        assert "cannot be reached" in (await answered(alice, model=models["one"].pk)).page.footer
    away.heal()
    for name in ("one", "two"):
        assert LEFT_ALONE in (await answered(alice, model=models[name].pk)).page.footer


async def test_a_substitute_answers_at_once_in_the_place_of_what_is_left_alone(connect, upstream, alice, rest):
    models = await connect(acme={"models": ["first", "second"]})
    await fail(alice, upstream, Answer(500), model=models["first"].pk)
    await stand_in(models["first"], models["second"])
    turn = await answered(alice, model=models["first"].pk)
    assert turn.row.status == "completed"
    assert [exchange.body["model"] for exchange in asked(upstream)] == ["first"] * 3 + ["second"]


async def test_no_title_is_asked_of_what_is_left_alone(connect, upstream, alice, rest):
    await connect(acme={})
    await fail(alice, upstream, Answer(500))
    title = await make_title([Message("user", "What is a breaker?")], get_backend("acme"), "test")
    assert title == "What is a breaker"
    assert len(upstream.exchanges) == 3


async def test_with_no_limit_of_failures_it_is_always_asked(connect, upstream, alice, rest, settings):
    settings.CHAT_BREAKER_FAILURES = 0
    await connect(acme={})
    await fail(alice, upstream, Answer(500), times=6)
    assert (await answered(alice)).row.status == "completed"
