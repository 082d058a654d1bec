"""What a substitute is asked when the model that was chosen does not answer: judged once, and beside the event loop."""

from __future__ import annotations

import asyncio

import pytest
from django.utils import translation

from chatsite.moderation.filtering import MASK
from conversations import guards, services
from conversations.guards import Exchange, Guard
from conversations.models import ModelFallback, Persona
from conversations.streaming.executors import in_database
from tests.helpers import finished
from tests.moderation.conftest import listed, set_level
from tests.upstream import Answer

pytestmark = pytest.mark.django_db(transaction=True)
BROKEN = Answer(401, {"error": {"message": "no"}})
BUSY = Answer(503, {"error": {"message": "busy"}})
OWN = services.Wish(personality="own", prompt="You say damn a lot.")


class Watching(Guard):
    """Remembers where it was asked to judge what."""

    seen: list[tuple[Exchange, str, bool]]

    def check_message(self, text: str, exchange: Exchange) -> str:
        is_on_loop = True
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            is_on_loop = False
        self.seen.append((exchange, text, is_on_loop))
        return text


@pytest.fixture
def watched(settings):
    settings.CHAT_GUARDS = [*settings.CHAT_GUARDS, f"{__name__}.Watching"]
    Watching.seen = []
    return Watching.seen


@pytest.fixture
async def substituted(server):
    await in_database(lambda: ModelFallback.objects.create(model=server.model, substitute=server.other))
    services.forget_catalogue()
    return server


async def answered(server, user, text: str, wish: services.Wish | None = None, first: Answer = BROKEN):
    """The reply of the substitute, after the model that was chosen has failed."""
    server.enqueue(first)
    chat = services.start_conversation(user)
    return await finished(await services.send_message(chat, text, parent_id="", model=server.model.pk, wish=wish))


async def test_a_long_message_is_judged_for_a_substitute_beside_the_event_loop(substituted, alice, watched):
    row = await answered(substituted, alice, "word " * 1_000)
    assert (row.status, row.upstream_model) == ("completed", "other")
    assert [is_on_loop for exchange, text, is_on_loop in watched if exchange.is_repeat] == [False]


async def test_what_a_substitute_is_asked_is_judged_once_however_often_it_is_asked(
    substituted, alice, watched, settings
):
    settings.CHAT_RETRY_DELAY = 0.001
    for answer in (BROKEN, BUSY, BUSY):
        substituted.enqueue(answer)
    chat = services.start_conversation(alice)
    sent = await services.send_message(chat, "Hi", parent_id="", model=substituted.model.pk, wish=OWN)
    row = await finished(sent)
    assert (row.status, row.upstream_model, len(substituted.exchanges)) == ("completed", "other", 4)
    judged = [(exchange.part, text) for exchange, text, _where in watched if exchange.model == substituted.other.pk]
    assert judged == [("prompt", OWN.prompt), ("message", "Hi")]


async def test_a_refusal_in_another_language_stays_in_it_in_a_thread(settings):
    settings.CHAT_GUARDS = ["conversations.guards.Length"]
    settings.CHAT_MAX_MESSAGE_LENGTH = guards.LONG
    with translation.override("vi"), pytest.raises(guards.TooLarge) as raised:
        await guards.check_beside("x" * (guards.LONG + 1), Exchange())
    with translation.override("vi"), pytest.raises(guards.TooLarge) as expected:
        guards.check_message("x" * (guards.LONG + 1), Exchange())
    assert str(raised.value) == str(expected.value)


@pytest.mark.parametrize("writer", ["site", "administrator"])
async def test_a_prompt_of_the_site_keeps_no_substitute_from_answering(substituted, alice, settings, writer):
    await in_database(lambda: listed("damn", action="refuse"))
    wish = None
    if writer == "site":
        settings.CHAT_SYSTEM_PROMPT = "Never say damn."
    else:
        persona = await in_database(lambda: Persona.objects.create(name="Shared", prompt="Never say damn."))
        wish = services.Wish(personality=str(persona.pk))
    row = await answered(substituted, alice, "Hi", wish)
    assert (row.status, row.upstream_model) == ("completed", "other")
    assert substituted.exchanges[-1].body["messages"][0]["content"] == "Never say damn."


async def test_a_prompt_of_ones_own_goes_to_a_substitute_as_its_filter_leaves_it(substituted, alice):
    await in_database(lambda: listed("damn"))
    await set_level(substituted.model, "off")
    await answered(substituted, alice, "Hi", OWN)
    assert substituted.exchanges[-1].body["messages"][0]["content"] == f"You say {MASK * 4} a lot."
