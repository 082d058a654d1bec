"""The tree rules of a transcript: what is shown, what is appended where, and how two versions become one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conversations.types import Message, Transcript


def message(id, parent=None, role="user"):
    return Message(role, f"text of {id}", id=id, parent_id=parent)


def ids(messages):
    return [message.id for message in messages]


@pytest.fixture
def talk():
    """A question and its answer, shown."""
    return Transcript().with_messages(message("q1"), message("a1", "q1", "assistant"))


def test_a_branch_runs_from_the_root_to_the_leaf(talk):
    assert ids(talk.branch()) == ["q1", "a1"]


def test_a_branch_can_be_asked_for_any_message(talk):
    talk = talk.with_messages(message("q2", "a1"))
    assert ids(talk.branch("a1")) == ["q1", "a1"]


def test_siblings_are_not_on_the_branch(talk):
    talk = talk.with_messages(message("b1", "q1", "assistant"))
    assert ids(talk.branch("a1")) == ["q1", "a1"]
    assert ids(talk.branch("b1")) == ["q1", "b1"]


def test_a_cleared_conversation_shows_nothing(talk):
    assert replace(talk, leaf=None).branch() == ()


def test_a_leaf_that_does_not_exist_shows_nothing(talk):
    assert replace(talk, leaf="gone").branch() == ()


def test_a_branch_ends_where_a_parent_is_missing():
    assert ids(Transcript((message("q2", "gone"),), leaf="q2").branch()) == ["q2"]


@pytest.mark.parametrize("parent", ["a", "b"])
def test_a_cycle_does_not_hang(parent):
    cycle = Transcript((message("a", parent), message("b", "a")), leaf="b")
    assert ids(cycle.branch())[-1] == "b"
    assert ids(cycle.with_messages(message("c", "b")).branch())[-2:] == ["b", "c"]


def test_appending_what_closes_a_cycle_does_not_hang():
    closed = Transcript((message("a", "b"),), leaf="a").with_messages(message("b", "a"))
    assert set(ids(closed.branch())) == {"a", "b"}


def test_appending_moves_the_leaf(talk):
    assert talk.leaf == "a1"
    assert talk.with_messages(message("q2", "a1"), message("a2", "q2")).leaf == "a2"


def test_appending_what_is_there_changes_nothing(talk):
    assert talk.with_messages(message("q1"), message("a1", "q1")) is talk


def test_what_is_there_stays_as_it_is(talk):
    assert talk.with_messages(Message("user", "another text", id="q1"), message("q2", "a1")).index()["q1"].content == (
        "text of q1"
    )


def test_the_same_message_twice_in_one_call_is_added_once(talk):
    new = message("q2", "a1")
    longer = talk.with_messages(new, message("a2", "q2"), new)
    assert ids(longer.messages) == ["q1", "a1", "q2", "a2"]
    assert longer.leaf == "a2"


def test_a_reply_follows_though_its_question_was_there(talk):
    talk = talk.with_messages(message("q2", "a1"))
    assert talk.with_messages(message("q2", "a1"), message("a2", "q2")).leaf == "a2"


def test_whoever_looks_at_another_branch_keeps_looking_at_it(talk):
    looking_at_b = replace(talk.with_messages(message("b1", "q1")), leaf="b1")
    longer = looking_at_b.with_messages(message("q2", "a1"))
    assert longer.leaf == "b1"
    assert "q2" in longer.index()


def test_an_edited_first_message_is_shown_when_nothing_was_selected(talk):
    edited = replace(talk, leaf=None).with_messages(message("q1-again"))
    assert edited.leaf == "q1-again"


def test_a_late_reply_does_not_undo_clearing(talk):
    late = replace(talk, leaf=None).with_messages(message("a2", "a1", "assistant"))
    assert late.leaf is None


def test_a_turn_stored_after_the_one_that_follows_it_hides_nothing(talk):
    second = (message("q2", "a1"), message("a2", "q2"))
    third = (message("q3", "a2"), message("a3", "q3"))
    out_of_order = talk.with_messages(*third).with_messages(*second)
    assert ids(out_of_order.branch()) == ["q1", "a1", "q2", "a2", "q3", "a3"]


def test_a_first_turn_stored_last_hides_nothing():
    first = (message("q1"), message("a1", "q1"))
    out_of_order = Transcript().with_messages(message("q2", "a1"), message("a2", "q2")).with_messages(*first)
    assert ids(out_of_order.branch()) == ["q1", "a1", "q2", "a2"]


def test_merging_keeps_the_messages_of_both(talk):
    ours = talk.with_messages(message("q2", "a1"))
    theirs = talk.with_messages(message("p2", "a1"))
    assert ids(ours.merged_with(theirs).messages) == ["q1", "a1", "q2", "p2"]


def test_merging_puts_no_message_before_its_parent(talk):
    ours = talk.with_messages(message("q2", "a1"), message("a2", "q2"), message("q3", "a2"))
    theirs = talk.with_messages(message("p2", "a1"), message("q2", "a1"))
    seen = set()
    for found in ours.merged_with(theirs).messages:
        assert found.parent_id is None or found.parent_id in seen
        seen.add(found.id)
    assert seen == {"q1", "a1", "q2", "a2", "q3", "p2"}


def test_merging_with_nothing_in_common_keeps_everything(talk):
    other = Transcript().with_messages(message("x"))
    assert ids(talk.merged_with(other).messages) == ["q1", "a1", "x"]
    assert ids(Transcript().merged_with(talk).messages) == ["q1", "a1"]
    assert ids(talk.merged_with(Transcript()).messages) == ["q1", "a1"]


def test_the_newer_version_wins_leaf_version_and_unknown_fields(talk):
    ours = replace(talk, version="1", extra={"a": 1, "b": 1})
    theirs = replace(talk, leaf="q1", version="2", extra={"b": 2})
    merged = ours.merged_with(theirs)
    assert (merged.leaf, merged.version, merged.extra) == ("q1", "2", {"a": 1, "b": 2})


def test_a_reply_that_was_continued_and_stored_late_is_not_the_end_of_its_branch():
    question = Message("user", "Why?", id="q")
    begun = Message("assistant", "Bec", id="begun", parent_id="q")
    whole = Message("assistant", "Because.", id="whole", parent_id="q", metadata={"continues": "begun"})
    assert Transcript((question, whole, begun)).end_below("q") == "whole"
    more = Message("user", "And?", id="more", parent_id="begun")
    assert Transcript((question, whole, begun, more)).end_below("begun") == "more"


def answer(id_: str, parent: str, lane: int, **metadata) -> Message:
    return Message("assistant", id_, id=id_, parent_id=parent, metadata={"lane": lane, **metadata})


COMPARED = Transcript((Message("user", "?", id="q"), answer("b", "q", 2), answer("a", "q", 1)), leaf="q")


def test_answers_side_by_side_stand_in_the_order_of_their_lanes():
    assert [message.id for message in COMPARED.lanes("q")] == ["a", "b"]
    assert COMPARED.lanes("a") == ()


@pytest.mark.parametrize("is_late", [False, True])
def test_a_lane_shows_its_newest_answer_whichever_was_stored_first(is_late):
    old, whole = answer("a", "q", 1), answer("a2", "q", 1, continues="a")
    told = (whole, old) if is_late else (old, whole)
    transcript = Transcript((Message("user", "?", id="q"), *told, answer("b", "q", 2)))
    assert [message.id for message in transcript.lanes("q")] == ["a2", "b"]


def test_a_branch_ends_with_the_question_while_nothing_follows_its_compared_answers():
    assert COMPARED.end_below("q") == "q"
    followed = replace(COMPARED, messages=(*COMPARED.messages, Message("user", "!", id="n", parent_id="b")))
    assert followed.end_below("q") == "n"
