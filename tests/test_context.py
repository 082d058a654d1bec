"""What of a conversation goes into a prompt: the newest turns, as far as they fit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.services.context import Branch, NoRoom, fit
from conversations.services.counting import Counter
from conversations.services.memory import split
from conversations.streaming.candidates import Candidate
from conversations.types import Message

PROMPT = "Be brief."
ALL = {"memory": 0}


class Characters(Counter):
    """Every character is a token, so that sizes can be read off."""

    is_exact = True

    def __init__(self):
        super().__init__(Candidate("nowhere"))

    def count(self, messages):
        return sum(len(message.content) for message in messages)


def said(*texts: str) -> list[Message]:
    """Questions and answers in turn; what begins with "?" is a question wherever it stands."""
    roles = ("user", "assistant")
    return [Message("user" if text[:1] == "?" else roles[i % 2], text) for i, text in enumerate(texts)]


def words(messages) -> list[str]:
    return [message.content for message in messages if message.role != "system"]


CHAT = said("?a", "A", "?b", "B", "?c", "C", "?d", "D", "?now")


@pytest.mark.parametrize(
    ("memory", "remembered"),
    [(1, ["?d", "D"]), (3, ["?b", "B", "?c", "C", "?d", "D"]), (4, words(CHAT)[:-1]), (0, words(CHAT)[:-1])],
)
def test_the_memory_counts_turns_before_the_message_that_is_answered(memory, remembered):
    fitted = fit(Branch.of(CHAT, {"memory": memory}, system=PROMPT), Characters(), None)
    assert fitted.messages[0] == Message(
        "system", PROMPT, id=fitted.messages[0].id, created_at=fitted.messages[0].created_at
    )
    assert words(fitted.messages) == [*remembered, "?now"]


def test_three_turns_are_remembered_where_nothing_is_set():
    fitted = fit(Branch.of(CHAT, {}), Characters(), None)
    assert words(fitted.messages) == ["?b", "B", "?c", "C", "?d", "D", "?now"]


def test_a_question_that_nobody_answered_belongs_to_the_next_and_costs_no_turn():
    failed = [*said("?a", "A", "?b", "B", "?lost"), Message("assistant", ""), *said("?now")]
    fitted = fit(Branch.of(failed, {"memory": 1}), Characters(), None)
    assert words(fitted.messages) == ["?b", "B", "?lost\n\n?now"]


def test_the_oldest_turns_give_way_to_the_answer():
    branch = Branch.of(CHAT, ALL | {"max_tokens": 10}, system=PROMPT)
    # 9 of the system prompt, 4 of the message, 3 of each turn: two turns fit into 19, a third does not
    assert words(fit(branch, Characters(), 31).messages) == ["?b", "B", "?c", "C", "?d", "D", "?now"][2:]
    assert fit(branch, Characters(), 32).kept == 3


def test_a_high_limit_for_the_answer_takes_at_most_half_of_the_context():
    fitted = fit(Branch.of(CHAT, ALL | {"max_tokens": 4096}, system=PROMPT), Characters(), 60)
    assert fitted.kept == 4
    assert fitted.options["max_tokens"] == 60 - fitted.tokens == 35


def test_the_limit_for_the_answer_stays_where_there_is_room_for_it():
    branch = Branch.of(CHAT, {"max_tokens": 10}, system=PROMPT)
    assert fit(branch, Characters(), 4096).options == {"max_tokens": 10}


def test_the_answer_gets_shorter_before_the_message_is_refused():
    message = said("?" * 60)
    fitted = fit(Branch.of(message, {"max_tokens": 40}), Characters(), 100)
    assert fitted.options["max_tokens"] == 40
    fitted = fit(Branch.of(message, {"max_tokens": 40}), Characters(), 90)
    assert fitted.options["max_tokens"] == 30
    with pytest.raises(NoRoom) as refusal:
        fit(Branch.of(message, {"max_tokens": 40}, system=PROMPT), Characters(), 88)
    assert (refusal.value.tokens, refusal.value.room, refusal.value.size) == (60, 88 - 22 - len(PROMPT), 88)


def test_what_nobody_answered_is_left_out_before_the_message_is_refused():
    unanswered = [*said("?a", "A"), *said("?" * 50), *said("?now")]
    assert words(fit(Branch.of(unanswered, {"max_tokens": 5}), Characters(), 20).messages) == ["?now"]


def test_what_is_gone_on_from_always_goes_along():
    so_far = [Message("assistant", "The answer is"), Message("user", "Go on")]
    fitted = fit(Branch.of(CHAT, {"max_tokens": 8}, so_far=so_far), Characters(), 34)
    assert words(fitted.messages) == ["?d", "D", "?now", "The answer is", "Go on"]


turns = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text("abc", max_size=12)), max_size=30)


@given(turns, st.integers(0, 10), st.integers(8, 200), st.integers(1, 100), st.text("xy", max_size=20))
def test_whatever_was_said_the_prompt_is_in_order_alternates_and_fits(talk, memory, size, limit, system):
    messages = [Message(role, text) for role, text in talk] + [Message("user", "?now")]
    branch = Branch.of(messages, {"memory": memory, "max_tokens": limit}, system=system)
    try:
        fitted = fit(branch, Characters(), size)
    except NoRoom:
        assert len(system) + len("?now") > size - min(limit, size // 2, size // 4)
        return
    prompt = list(fitted.messages)
    if system:
        assert prompt.pop(0).content == system
    assert fitted.tokens + fitted.options["max_tokens"] <= size
    assert prompt[-1].role == "user"
    assert prompt[-1].content.endswith("?now")
    assert all(one.role != other.role for one, other in pairwise(prompt))
    everything = "".join(message.content for message in messages)
    assert everything.endswith("".join(message.content.replace("\n\n", "") for message in prompt))
    if memory:
        assert sum(message.role == "assistant" for message in prompt) <= sum(
            map(_answers, split(messages)[0][-memory:])
        )


def _answers(turn) -> int:
    return sum(message.role == "assistant" and bool(message.content) for message in turn)


@given(turns, st.integers(8, 300))
def test_as_much_is_kept_as_fits(talk, size):
    messages = [Message(role, text) for role, text in talk] + [Message("user", "?now")]
    branch = Branch.of(messages, ALL | {"max_tokens": 4})
    fitted = fit(branch, Characters(), size)
    assert fitted.kept == len(branch.units) or Characters().count(branch.prompt(fitted.kept + 1)) > size - 4


def test_a_long_conversation_is_not_counted_to_its_beginning():
    counted = []

    class Watched(Characters):
        def count(self, messages):
            counted.append(super().count(messages))
            return counted[-1]

    long = [message for i in range(2_000) for message in said(f"?{i}" + "q" * 100, "a" * 100)] + said("?now")
    fitted = fit(Branch.of(long, ALL), Watched(), 8_000)
    assert 7_000 < fitted.tokens <= 8_000 - 512
    assert max(counted) < 100_000
