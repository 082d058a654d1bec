"""The whole way: what a person sends, what a real server answers, what is stored and noted."""

from __future__ import annotations

import threading

import pytest
from asgiref.sync import sync_to_async

from chatsite.moderation.filtering import MASK
from chatsite.moderation.models import Term
from conversations import services
from conversations.errors import Refused
from conversations.models import Conversation, Generation, ModelFallback
from conversations.streaming.executors import in_database
from tests.helpers import branch, finished, refreshed, say
from tests.moderation.conftest import hits, listed, set_level
from tests.upstream import CLOSE, Answer, chunk

pytestmark = pytest.mark.django_db(transaction=True)
STOPPED = "The answer was stopped by this site's content filter."
CUT_AT_LENGTH = b'data: {"choices": [{"delta": {}, "finish_reason": "length"}]}\n\n'


async def given(*texts: str, **fields: str) -> None:
    await in_database(lambda: listed(*texts, **fields))


async def noted() -> list[tuple[str, str, str]]:
    return [(hit.entry, hit.part, hit.action) for hit in await in_database(hits)]


def asked(server) -> str:
    """The last message that the server was sent."""
    return server.exchanges[-1].body["messages"][-1]["content"]


async def test_a_refused_message_is_not_accepted_and_no_model_hears_of_it(server, alice):
    await given("secret plan", action="refuse")
    with pytest.raises(Refused, match="“secret PLAN”"):
        await say(alice, "Tell me the secret  PLAN now", model=server.model.pk)
    assert server.exchanges == []
    assert await in_database(lambda: Conversation.objects.count() + Generation.objects.count()) == 0
    assert await noted() == [("secret plan", "message", "refuse")]


async def test_a_masked_message_is_stored_and_sent_to_the_model_masked(server, alice):
    await given("damn")
    row = await finished(await say(alice, "Oh damn it", model=server.model.pk))
    assert asked(server) == f"Oh {MASK * 4} it"
    assert (await branch(row.conversation))[0].content == f"Oh {MASK * 4} it"
    assert row.conversation.title == f"Oh {MASK * 4} it"
    assert ("damn", "message", "mask") in await noted()


async def test_a_flagged_message_passes_and_leaves_a_hit(server, alice):
    await given("merger", action="flag")
    row = await finished(await say(alice, "About the merger", model=server.model.pk))
    assert row.reply_text == "About the merger"
    assert await noted() == [("merger", "message", "flag"), ("merger", "answer", "flag")]


async def test_an_answer_is_masked_wherever_the_server_cuts_it(server, alice):
    await given("damn")
    server.enqueue("Well, d", "a", "m", "n", "! It is da", "mage.")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    assert row.reply_text == f"Well, {MASK * 4}! It is damage."
    assert (row.status, row.finish_reason) == ("completed", "stop")
    assert await noted() == [("damn", "answer", "mask")]


async def test_an_answer_is_stopped_before_what_is_refused_and_what_was_shown_stays(server, alice):
    await given("secret plan", action="refuse")
    never = threading.Event()
    server.enqueue("First this. The sec", "ret pl", "an is", never, " to win")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    assert (row.status, row.reply_text, row.error) == ("failed", "First this. The ", STOPPED)
    assert (row.finish_reason, row.error_code) == ("content_filter", "refused")
    assert server.exchanges[-1].was_abandoned()
    assert await noted() == [("secret plan", "answer", "refuse")]


async def test_a_refusal_in_the_last_word_is_one_too(server, alice):
    await given("secret plan", action="refuse")
    server.enqueue("The secret plan")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    assert (row.status, row.reply_text, row.error) == ("failed", "The ", STOPPED)


async def test_at_no_time_does_a_saved_or_relayed_text_hold_a_part_of_a_match(server, alice, engine):
    await given("damn")
    gate = threading.Event()
    server.enqueue("Well, da", gate, "mn it")
    generation = await say(alice, "Hi", model=server.model.pk)
    while engine.live[generation.pk].text != "Well, ":
        await sync_to_async(gate.wait, thread_sensitive=False)(0.01)
    gate.set()
    assert (await finished(generation)).reply_text == f"Well, {MASK * 4} it"


async def test_a_level_that_is_off_lets_everything_pass_and_notes_nothing(server, alice):
    await given("damn", action="refuse")
    await set_level(server.model, "off")
    row = await finished(await say(alice, "damn", model=server.model.pk))
    assert (row.status, row.reply_text) == ("completed", "damn")
    assert await noted() == []


async def test_strict_entries_count_for_strict_models_alone(server, alice):
    await given("damn", level="strict")
    row = await finished(await say(alice, "damn", model=server.model.pk))
    assert row.reply_text == "damn"
    await set_level(server.model, "strict")
    row = await finished(await say(alice, "damn", model=server.model.pk))
    assert row.reply_text == MASK * 4


async def test_what_an_admin_changes_counts_from_the_next_message_on(server, alice):
    await given("damn")
    await in_database(lambda: Term.objects.update(enabled=False))
    row = await finished(await say(alice, "damn", model=server.model.pk))
    assert row.reply_text == "damn"
    await in_database(lambda: Term.objects.update(enabled=True))
    row = await finished(await say(alice, "damn", model=server.model.pk))
    assert row.reply_text == MASK * 4


async def with_substitute(server, level: str) -> None:
    """`server.other` answers when `server.model` does not."""
    await set_level(server.other, level)
    await in_database(lambda: ModelFallback.objects.create(model=server.model, substitute=server.other))
    services.forget_catalogue()
    server.enqueue(Answer(400))


async def test_the_level_of_who_really_answers_counts_for_the_answer(server, alice):
    await given("damn")
    await set_level(server.model, "off")
    await with_substitute(server, "standard")
    server.enqueue("damn it")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    assert (row.reply_text, row.upstream_model) == (f"{MASK * 4} it", "other")


async def test_a_substitute_that_filters_hears_what_it_may(server, alice):
    await given("damn")
    await set_level(server.model, "off")
    await with_substitute(server, "standard")
    row = await finished(await say(alice, "damn it", model=server.model.pk))
    assert (asked(server), row.reply_text) == (f"{MASK * 4} it", f"{MASK * 4} it")


async def test_a_substitute_that_would_refuse_the_message_is_not_asked(server, alice):
    await given("damn", action="refuse")
    await set_level(server.model, "off")
    await with_substitute(server, "standard")
    row = await finished(await say(alice, "damn it", model=server.model.pk))
    assert (row.status, row.finish_reason) == ("failed", "")  # by what the model that was chosen said
    assert len(server.exchanges) == 1


async def test_a_message_is_judged_again_for_another_model(server, alice):
    await given("damn", action="refuse")
    await set_level(server.model, "off")
    row = await finished(await say(alice, "damn it", model=server.model.pk))
    with pytest.raises(Refused):
        await services.regenerate(row.conversation, row.reply_id, model=server.other.pk)
    await in_database(lambda: Term.objects.update(action="mask"))
    again = await finished(await services.regenerate(row.conversation, row.reply_id, model=server.other.pk))
    assert asked(server) == f"{MASK * 4} it"
    assert (await branch(row.conversation))[0].content == "damn it"
    assert again.reply_text == f"{MASK * 4} it"


async def cut_then_continued(server, alice, *texts: str) -> Generation:
    """An answer that was cut at its length, and goes on."""
    first, second = texts
    server.enqueue(first, CUT_AT_LENGTH, CLOSE)
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    server.enqueue(second)
    return await finished(await services.continue_reply(row.conversation, row.reply_id))


async def test_a_word_that_the_old_text_began_is_not_completed_by_continuing(server, alice, settings):
    await given("damn")
    options = settings.CHAT_BACKENDS["server"]["OPTIONS"] | {"can_continue": True}
    settings.CHAT_BACKENDS = {"server": settings.CHAT_BACKENDS["server"] | {"OPTIONS": options}}
    assert (await cut_then_continued(server, alice, "Well, da", "mn it")).reply_text == f"Well, da{MASK * 2} it"


async def test_what_is_said_when_asked_to_go_on_is_judged_where_it_joins_the_old_text(server, alice):
    await given("damn")
    row = await cut_then_continued(server, alice, "damn. Well, da", "damn it")
    assert row.reply_text == f"{MASK * 4}. Well, da {MASK * 4} it"


@pytest.mark.parametrize("verb", ["send", "regenerate", "continue_reply"])
async def test_every_turn_sees_lists_that_were_changed_a_moment_ago(server, alice, settings, verb):
    """Though the catalogue of models is remembered for longer."""
    settings.CHAT_CATALOGUE_AGE = 3600.0
    server.enqueue("Well.", CUT_AT_LENGTH, CLOSE)
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    await given("damn")
    server.enqueue("damn it")
    if verb == "send":
        again = await services.send_message(row.conversation, "Go on")
    else:
        again = await getattr(services, verb)(row.conversation, row.reply_id)
    assert (await finished(again)).reply_text.endswith(f"{MASK * 4} it")


async def test_a_reply_that_was_stopped_by_the_filter_can_be_asked_for_again_but_not_continued(server, alice):
    await given("secret plan", action="refuse")
    server.enqueue("The secret plan is")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    with pytest.raises(services.turns.InputError, match="nothing to continue"):
        await services.continue_reply(row.conversation, row.reply_id)
    server.enqueue("I cannot say.")
    again = await finished(await services.regenerate(row.conversation, row.reply_id))
    assert (again.status, again.reply_text) == ("completed", "I cannot say.")


async def titled(server, alice, settings, title: str) -> Generation:
    settings.CHAT_TITLES = True
    server.enqueue("An answer.")
    server.enqueue(title)
    row = await finished(await say(alice, "What about it?", model=server.model.pk))
    while len(server.exchanges) < 2 or not server.exchanges[1].ended.wait(0.01):
        row = await refreshed(row)
    return row


async def settled(engine) -> None:
    """Until titles are saved."""
    while engine._tasks - engine._clock:
        await sync_to_async(threading.Event().wait, thread_sensitive=False)(0.01)


async def test_a_title_is_masked(server, alice, settings, engine):
    await given("damn")
    row = await titled(server, alice, settings, "A damn good question")
    await settled(engine)
    assert (await refreshed(row)).conversation.title == f"A {MASK * 4} good question"
    assert ("damn", "title", "mask") in await noted()


async def test_a_refused_title_leaves_the_first_words(server, alice, settings, engine):
    await given("secret plan", action="refuse")
    row = await titled(server, alice, settings, "The secret plan")
    await settled(engine)
    assert (await refreshed(row)).conversation.title == "What about it"
    assert await noted() == [("secret plan", "title", "refuse")]


async def test_a_long_message_is_judged_off_the_event_loop(server, alice):
    await given("damn")
    long = "word " * 4_000
    row = await finished(await say(alice, f"{long}damn", model=server.model.pk))
    assert (await branch(row.conversation))[0].content == f"{long}{MASK * 4}"


async def test_what_a_person_has_the_model_told_first_is_judged_with_each_message(server, alice):
    await given("damn")
    conversation = services.start_conversation(alice)
    conversation.system_prompt = "You say damn a lot."
    row = await finished(await services.send_message(conversation, "Hi", model=server.model.pk))
    assert server.exchanges[-1].body["messages"][0]["content"] == f"You say {MASK * 4} a lot."
    await in_database(lambda: Term.objects.update(action="refuse"))
    with pytest.raises(Refused, match="“damn”, which stands in the system prompt"):
        await services.send_message(row.conversation, "Hi", model=server.model.pk)
    assert await noted() == [("damn", "prompt", "mask"), ("damn", "prompt", "refuse")]


async def test_what_is_found_in_a_prompt_of_ones_own_is_noted_once_for_each_new_message(server, alice, settings):
    await given("merger", action="flag")
    settings.CHAT_MAX_MESSAGE_LENGTH = 10  # of messages: prompts have a bound of their own
    await with_substitute(server, "standard")  # who reads it a second time
    wish = services.Wish(personality="own", prompt="Talk about the merger.")
    chat = services.start_conversation(alice)
    row = await finished(await services.send_message(chat, "Hi", parent_id="", model=server.model.pk, wish=wish))
    assert (row.upstream_model, len(await noted())) == ("other", 1)
    row = await finished(await services.regenerate(row.conversation, row.reply_id))
    assert await noted() == [("merger", "prompt", "flag")]
    await finished(await services.send_message(row.conversation, "And?"))
    assert await noted() == [("merger", "prompt", "flag")] * 2


async def test_what_the_site_has_models_told_first_is_its_own_affair(server, alice, settings):
    await given("damn", action="refuse")
    settings.CHAT_SYSTEM_PROMPT = "Never say damn."
    await finished(await say(alice, "Hi", model=server.model.pk))
    assert server.exchanges[-1].body["messages"][0]["content"] == "Never say damn."


async def test_each_of_the_models_that_are_compared_has_its_level(server, alice):
    await given("damn")
    await set_level(server.model, "off")
    server.enqueue("damn, yes")
    server.enqueue("damn, yes")
    models = [server.model.pk, server.other.pk]
    rows = await services.compare(services.start_conversation(alice), "Hi", models=models, parent_id="")
    texts = {(await finished(row)).upstream_model: (await refreshed(row)).reply_text for row in rows}
    assert texts == {"test": "damn, yes", "other": f"{MASK * 4}, yes"}


async def test_a_message_that_one_of_the_compared_models_refuses_goes_to_none(server, alice):
    await given("damn", action="refuse")
    await set_level(server.model, "off")
    with pytest.raises(Refused):
        await services.compare(
            services.start_conversation(alice), "damn", models=[server.model.pk, server.other.pk], parent_id=""
        )
    assert server.exchanges == []


def thought(text: str):
    return chunk(reasoning_content=text)


async def test_what_a_model_thinks_is_masked_wherever_the_server_cuts_it(server, alice):
    await given("damn")
    server.enqueue(thought("Well, da"), thought("mn it."), "Fine.")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    assert (row.reasoning_text, row.reply_text) == (f"Well, {MASK * 4} it.", "Fine.")
    assert await noted() == [("damn", "reasoning", "mask")]


async def test_what_a_model_thinks_between_tags_is_masked_as_well(server, alice):
    await given("damn")
    server.enqueue("<think>Well, da", "mn it.</thi", "nk>Fine, damn it.")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    assert (row.reasoning_text, row.reply_text) == (f"Well, {MASK * 4} it.", f"Fine, {MASK * 4} it.")


async def test_a_thought_that_is_refused_ends_the_reply(server, alice):
    await given("secret plan", action="refuse")
    never = threading.Event()
    server.enqueue(thought("I know the sec"), thought("ret plan is"), never, "It is this.")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    assert (row.status, row.reasoning_text, row.reply_text) == ("failed", "I know the ", "")
    assert (row.error, row.finish_reason) == (STOPPED, "content_filter")
    assert await noted() == [("secret plan", "reasoning", "refuse")]


async def test_a_word_that_ends_a_thought_is_found_when_the_answer_begins(server, alice):
    await given("damn")
    server.enqueue(thought("Oh damn"), "Fine.")
    row = await finished(await say(alice, "Hi", model=server.model.pk))
    assert (row.reasoning_text, row.reply_text) == (f"Oh {MASK * 4}", "Fine.")
