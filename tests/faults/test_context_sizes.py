"""What reaches a model server of a conversation: what is remembered, what fits, and what its answers have taught."""

from __future__ import annotations

import threading
from typing import ClassVar

import pytest

from conversations import services
from conversations.backends import get_backend
from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.errors import TooLarge
from conversations.models import ChatModel, Conversation, Generation, ModelSetting
from conversations.services.counting import estimated
from conversations.services.learned import forget_learned, learn_count, scale
from conversations.streaming.executors import in_database
from conversations.types import NOTHING, Message
from tests.faults.upstreams import answered, asked, follow_to_the_end, stand_in
from tests.helpers import finished
from tests.upstream import DONE, Answer, Upstream, chunk

pytestmark = pytest.mark.django_db(transaction=True)
STORY = "The ferry came in late and nobody looked up. " * 10  # about 90 tokens
TELLING = Answer(
    400,
    {
        "error": {
            "message": "This model's maximum context length is 1024 tokens. However, you requested 1612 tokens "
            "(1100 in the messages, 512 in the completion). Please reduce the length of the messages or completion."
        }
    },
)


async def resize(model: ChatModel, size: int | None) -> None:
    model.context_size = size
    await in_database(model.save)


async def talk(user, conversation, *texts: str, **options) -> Generation:
    """One message after the other; the row of the last."""
    for text in texts:
        generation = await services.send_message(conversation, text, **options)
        await follow_to_the_end(generation)
        row = await finished(generation)
        conversation = row.conversation
    return row


def roles(upstream) -> list[str]:
    return [message["role"] for message in asked(upstream)[-1].body["messages"]]


def contents(upstream) -> list[str]:
    return [message["content"] for message in asked(upstream)[-1].body["messages"] if message["role"] != "system"]


def counting(tokens: int, *texts: str) -> tuple:
    """The steps of a reply whose prompt had so many tokens, by the server's own count."""
    usage = {"choices": [], "usage": {"prompt_tokens": tokens, "completion_tokens": 1}}
    return (*texts, chunk(finish_reason="stop"), usage, DONE)


async def test_three_turns_and_the_system_prompt_are_sent(connect, upstream, alice):
    await connect(acme={})
    chat = services.start_conversation(alice)
    row = await talk(alice, chat, "one", "two", "three", "four", "five")
    assert contents(upstream) == ["two", "two", "three", "three", "four", "four", "five"]
    assert roles(upstream)[0] == "system"
    assert row.prompt_characters == sum(len(one["content"]) for one in asked(upstream)[-1].body["messages"])


async def test_the_memory_of_the_conversation_counts(connect, upstream, alice):
    await connect(acme={})
    chat = services.start_conversation(alice)
    chat.options = {"memory": 1}
    await talk(alice, chat, "one", "two", "three")
    assert contents(upstream) == ["two", "two", "three"]
    await in_database(lambda: Conversation.objects.filter(pk=chat.pk).update(options={"memory": 0}))
    again = await in_database(services.by_id, alice, chat.pk)
    await talk(alice, again, "four")
    assert contents(upstream) == ["one", "one", "two", "two", "three", "three", "four"]


async def test_another_answer_and_the_rest_of_one_are_asked_for_with_the_same_memory(connect, upstream, alice):
    await connect(acme={"can_continue": True})
    row = await talk(alice, services.start_conversation(alice), "one", "two", "three", "four")
    upstream.enqueue("Half", chunk(finish_reason="length"), DONE)
    row = await talk(alice, row.conversation, "five")
    expected = ["two", "two", "three", "three", "four", "four", "five"]
    await follow_to_the_end(await services.continue_reply(row.conversation, row.reply_id))
    assert contents(upstream) == [*expected, "Half"]
    await follow_to_the_end(await services.regenerate(row.conversation, row.reply_id))
    assert contents(upstream) == expected


async def test_the_oldest_turns_are_left_out_where_the_context_is_full(connect, upstream, alice):
    models = await connect(acme={})
    await resize(models["test"], 1_000)
    row = await talk(alice, services.start_conversation(alice), *(f"{i} {STORY}" for i in range(4)))
    assert len(contents(upstream)) == 3  # one turn and the message; the memory would hold all three turns
    assert contents(upstream)[-1].startswith("3 ")
    assert roles(upstream)[0] == "system"
    assert row.status == "completed"


async def test_each_of_the_models_that_are_compared_gets_what_it_has_room_for(connect, upstream, alice):
    models = await connect(acme={"models": ["small", "large"]})
    await resize(models["small"], 1_000)
    await resize(models["large"], 32_000)
    row = await talk(
        alice,
        services.start_conversation(alice),
        *(f"{i} {STORY}" for i in range(3)),
        model=models["large"].pk,
    )
    turns = await services.compare(row.conversation, STORY, models=[models["small"].pk, models["large"].pk])
    for turn in turns:
        await follow_to_the_end(turn)
    lengths = {one.body["model"]: len(one.body["messages"]) for one in asked(upstream)[-2:]}
    assert lengths == {"small": 4, "large": 8}


async def test_a_message_that_cannot_fit_is_refused_before_anything_is_accepted(connect, upstream, alice):
    models = await connect(acme={"models": ["small", "unknown", "medium", "large"]})
    await resize(models["small"], 1_000)
    await resize(models["medium"], 1_200)
    await resize(models["large"], 32_000)
    with pytest.raises(TooLarge) as refusal:
        await services.send_message(services.start_conversation(alice), STORY * 10, model=models["small"].pk)
    assert refusal.value.status == 413
    assert refusal.value.message == (
        "This message has about 1,100 tokens, but “small” has room for only about 710 tokens. "
        "Shorten it, or choose “large”, which has room for it."
    )
    assert not upstream.exchanges
    assert not await in_database(Conversation.objects.exists)


async def test_without_a_larger_model_it_can_only_be_shortened(connect, upstream, alice):
    models = await connect(acme={})
    await resize(models["test"], 1_000)
    with pytest.raises(TooLarge, match=r"about 710 tokens\. Shorten it\.$"):
        await services.send_message(services.start_conversation(alice), STORY * 10)
    chat = services.start_conversation(alice)
    chat.system_prompt = STORY * 12
    with pytest.raises(TooLarge, match=r"system prompt .* leaves no room .* “test” has 1,000 tokens in all"):
        await services.send_message(chat, "Hi")


async def test_another_answer_by_a_model_that_is_too_small_is_refused_and_says_what_to_do(connect, upstream, alice):
    models = await connect(acme={"models": ["large", "small"]})
    await resize(models["large"], 32_000)
    row = await talk(alice, services.start_conversation(alice), STORY * 10)
    await resize(models["small"], 1_000)
    with pytest.raises(TooLarge, match=r"The message has about .* Choose “large”, which has room for it, or send a"):
        await services.regenerate(row.conversation, row.reply_id, model=models["small"].pk)


async def test_a_substitute_with_more_room_answers_what_the_chosen_model_has_no_room_for(connect, upstream, alice):
    models = await connect(acme={"models": ["small", "large"]})
    await resize(models["small"], 1_000)
    await resize(models["large"], 32_000)
    await stand_in(models["small"], models["large"])
    turn = await answered(alice, STORY * 10, model=models["small"].pk)
    assert [one.body["model"] for one in asked(upstream)] == ["large"]
    assert "“small” did not answer, so “large” did." in turn.page.footer


async def test_a_substitute_of_unknown_size_is_no_reason_to_accept_it(connect, upstream, alice):
    models = await connect(acme={"models": ["small", "unknown"]})
    await resize(models["small"], 1_000)
    await stand_in(models["small"], models["unknown"])
    with pytest.raises(TooLarge, match=r"“small” has room for only about 710 tokens\. Shorten it\.$"):
        await services.send_message(services.start_conversation(alice), STORY * 10, model=models["small"].pk)
    assert not upstream.exchanges
    assert not await in_database(Conversation.objects.exists)


async def test_the_one_that_has_room_is_asked_and_one_of_unknown_size_is_not(connect, upstream, alice):
    models = await connect(acme={"models": ["small", "unknown", "large"]})
    await resize(models["small"], 1_000)
    await resize(models["large"], 32_000)
    await stand_in(models["small"], models["unknown"], models["large"])
    turn = await answered(alice, STORY * 10, model=models["small"].pk)
    assert (turn.row.status, [one.body["model"] for one in asked(upstream)]) == ("completed", ["large"])


async def test_what_is_accepted_because_a_substitute_counts_less_is_answered_by_it(connect, upstream, alice):
    """Both contexts have one size, so the catalogue alone cannot tell which has more room."""
    models = await connect(acme={"models": ["small", "other"]})
    await resize(models["small"], 1_000)
    await resize(models["other"], 1_000)
    await stand_in(models["small"], models["other"])
    learn_count(("acme", "other"), 1_000, 400)
    turn = await answered(alice, STORY * 10, model=models["small"].pk)
    assert (turn.row.status, [one.body["model"] for one in asked(upstream)]) == ("completed", ["other"])


async def test_a_substitute_of_the_same_size_is_not_asked_what_a_server_refused_as_too_long(connect, upstream, alice):
    models = await connect(acme={"models": ["small", "same", "large"]})
    await resize(models["small"], 2_000)
    await resize(models["same"], 2_000)
    await resize(models["large"], 32_000)
    await stand_in(models["small"], models["same"], models["large"])
    upstream.enqueue(Answer(413))
    turn = await answered(alice, STORY, model=models["small"].pk)
    assert (turn.row.status, [one.body["model"] for one in asked(upstream)]) == ("completed", ["small", "large"])


async def test_a_substitute_gets_what_it_has_room_for(connect, upstream, alice):
    models = await connect(acme={"models": ["large", "small"]})
    await resize(models["large"], 32_000)
    await resize(models["small"], 1_000)
    await stand_in(models["large"], models["small"])
    row = await talk(alice, services.start_conversation(alice), *(f"{i} {STORY}" for i in range(3)))
    upstream.enqueue(Answer(402))
    row = await talk(alice, row.conversation, STORY)
    assert [len(one.body["messages"]) for one in asked(upstream)[-2:]] == [8, 4]
    assert row.prompt_characters == sum(len(one["content"]) for one in asked(upstream)[-1].body["messages"])


@pytest.mark.parametrize(("bound", "expected"), [("1", ["three", "three", "four"]), ("0", None)])
async def test_a_substitute_remembers_within_bounds_of_its_own(connect, upstream, alice, bound, expected):
    models = await connect(acme={"models": ["chosen", "other"]})
    await stand_in(models["chosen"], models["other"])
    hidden = ModelSetting(model=models["other"], name="memory", is_hidden=True, default=bound)
    await in_database(hidden.save)
    services.forget_catalogue()
    chat = services.start_conversation(alice)
    chat.options = {"memory": 2}
    row = await talk(alice, chat, "one", "two", "three", model=models["chosen"].pk)
    upstream.enqueue(Answer(401))
    row = await talk(alice, row.conversation, "four", model=models["chosen"].pk)
    assert [one.body["model"] for one in asked(upstream)[-2:]] == ["chosen", "other"]
    assert contents(upstream) == (expected or ["one", "one", "two", "two", "three", "three", "four"])


async def test_a_server_that_names_its_size_is_asked_again_with_less_and_the_size_is_remembered(
    connect, upstream, alice
):
    models = await connect(acme={})
    row = await talk(alice, services.start_conversation(alice), *(f"{i} {STORY * 2}" for i in range(3)))
    upstream.enqueue(TELLING)
    generation = await services.send_message(row.conversation, STORY)
    _page, waits = await follow_to_the_end(generation)
    row = await finished(generation)
    assert (row.status, row.error) == ("completed", "")
    assert waits[0] == "This chat is longer than “test” takes. Asking again with less of it…"
    assert [len(one.body["messages"]) for one in asked(upstream)[-2:]] == [8, 4]
    assert asked(upstream)[-1].body["max_tokens"] == 512
    # What fits is known from now on.
    await talk(alice, row.conversation, "And then?")
    assert len(asked(upstream)) == 6
    await in_database(models["test"].refresh_from_db)
    assert models["test"].context_size == 1024


async def test_what_an_admin_wrote_stays_and_a_smaller_size_counts_all_the_same(connect, upstream, alice):
    models = await connect(acme={})
    await resize(models["test"], 32_000)
    row = await talk(alice, services.start_conversation(alice), *(f"{i} {STORY * 2}" for i in range(3)))
    upstream.enqueue(TELLING)
    row = await talk(alice, row.conversation, STORY)
    await in_database(models["test"].refresh_from_db)
    assert models["test"].context_size == 32_000
    await talk(alice, row.conversation, STORY)
    assert len(asked(upstream)) == 6
    assert len(contents(upstream)) < 7


async def test_a_server_that_names_nothing_is_asked_once_more_with_less(connect, upstream, alice):
    await connect(acme={})
    row = await talk(alice, services.start_conversation(alice), *(f"{i} {STORY}" for i in range(3)))
    for _ in range(2):
        upstream.enqueue(Answer(413))
    generation = await services.send_message(row.conversation, STORY)
    page, _waits = await follow_to_the_end(generation)
    assert "too long for the model" in page.footer
    assert [len(one.body["messages"]) for one in asked(upstream)[-2:]] == [8, 6]


async def test_what_cannot_be_made_shorter_is_not_asked_again(connect, upstream, alice):
    await connect(acme={})
    upstream.enqueue(Answer(413))
    assert "too long for the model" in (await answered(alice, STORY)).page.footer
    assert len(asked(upstream)) == 1


async def test_a_model_that_counts_more_is_sent_less_after_its_first_reply(connect, upstream, alice):
    models = await connect(acme={})
    await resize(models["test"], 1_400)
    chat = services.start_conversation(alice)
    await talk(alice, chat, *(f"{i} {STORY}" for i in range(3)))
    assert len(contents(upstream)) == 5

    def twice(body) -> tuple:
        return counting(round(_estimated(body) * 2), STORY)

    with Upstream(twice) as other:
        models = await connect(acme={"base_url": other.url})
        chat = services.start_conversation(alice)
        await talk(alice, chat, *(f"{i} {STORY}" for i in range(3)))
        assert scale(("acme", "test")) == pytest.approx(2, rel=0.05)
        assert len(contents(other)) == 3


async def test_one_that_counts_less_is_sent_more(connect, alice, upstream):
    def half(body) -> tuple:
        return counting(round(_estimated(body) / 2), STORY)

    with Upstream(half) as other:
        models = await connect(acme={"base_url": other.url})
        await resize(models["test"], 1_000)
        row = await talk(alice, services.start_conversation(alice), *(f"{i} {STORY}" for i in range(3)))
        before = len(contents(other))
        await talk(alice, row.conversation, STORY, STORY)
        assert len(contents(other)) > before


async def test_a_new_process_learns_from_the_rows_of_recent_replies(connect, upstream, alice):
    await connect(acme={})
    upstream.enqueue(*counting(900, "Hm."))
    await talk(alice, services.start_conversation(alice), STORY * 4)
    known = scale(("acme", "test"))
    assert known > 1.5
    forget_learned()
    assert scale(("acme", "test")) == 1
    await services.recall_counts()
    assert scale(("acme", "test")) == pytest.approx(known, rel=0.1)


def _estimated(body) -> float:
    return estimated([Message(one["role"], one["content"]) for one in body["messages"]])


async def test_nothing_is_learnt_from_counts_of_very_short_prompts(connect, upstream, alice):
    await connect(acme={})
    await answered(alice, "Hi")
    assert scale(("acme", "test")) == 1


class Counting(ChatCompletionsBackend):
    """A model whose tokenizer is at hand: ten characters are a token. It counts nothing while `is_loaded` is False."""

    is_loaded = True
    threads: ClassVar[set[str]] = set()

    def count_tokens(self, messages, model, parameters=NOTHING):
        self.threads.add(threading.current_thread().name)
        return sum(len(message.content) for message in messages) // 10 if self.is_loaded else None


async def test_where_there_is_a_tokenizer_it_counts_and_nothing_is_added_to_be_safe(connect, upstream, alice):
    models = await connect(acme={"kind": Counting})
    await resize(models["test"], 800)
    row = await talk(alice, services.start_conversation(alice), *(f"{i} {STORY}" for i in range(4)))
    assert len(contents(upstream)) == 7  # estimated, it would be one turn
    loop = threading.current_thread().name
    assert loop not in Counting.threads
    with pytest.raises(TooLarge, match=r"This message has \d[\d,]* tokens, but “test” has room for only \d+ tokens\."):
        await services.send_message(row.conversation, STORY * 20)


async def test_a_tokenizer_that_is_not_loaded_yet_is_stood_in_for_by_the_estimate(connect, upstream, alice):
    models = await connect(acme={"kind": Counting})
    get_backend("acme").is_loaded = False
    await resize(models["test"], 1_000)
    await talk(alice, services.start_conversation(alice), *(f"{i} {STORY}" for i in range(4)))
    assert len(contents(upstream)) == 3
