"""Reasoning and answer are told apart wherever a text is cut, and nothing of either is lost."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.reasoning import OFF, OPENED, TAGS, Splitter, answer_in, mode_of, opened_by, split_whole


def split(pieces, mode: str = TAGS) -> tuple[str, str]:
    """As a reply asks: no longer once the answer has begun."""
    splitter = Splitter(mode)
    parts = [splitter.feed(piece) if not splitter.is_past else ("", piece) for piece in pieces]
    thoughts, answers = zip(*parts, splitter.finish(), strict=True)
    return "".join(thoughts), "".join(answers)


TEXTS = [
    ("<think>\nHm. 2 < 3 </thin k>\n</think>\n\nYes.", TAGS, "\nHm. 2 < 3 </thin k>\n", "Yes."),
    ("\n<THINKING>Hm.</thinking>Yes.", TAGS, "Hm.", "Yes."),
    ("<|begin_of_thought|>Hm.<|end_of_thought|>\nYes.", TAGS, "Hm.", "Yes."),
    ("◁think▷Hm.◁/think▷Yes.", TAGS, "Hm.", "Yes."),
    ("[THINK]Hm.[/THINK]Yes.", TAGS, "Hm.", "Yes."),
    ("<reasoning>Is </think> a tag?</reasoning>Yes.", TAGS, "Is </think> a tag?", "Yes."),
    ("<think>\n\n</think>\n\n<think>Hm.</think> Yes.", TAGS, "\n\nHm.", "Yes."),
    ("<think>Hm.</think>", TAGS, "Hm.", ""),
    ("<think>Hm.</thi", TAGS, "Hm.</thi", ""),
    ("Hm.</think>\nYes.", OPENED, "Hm.", "Yes."),
    ("<think>Hm.</think>\nYes.", OPENED, "Hm.", "Yes."),
    ("Hm.</think>\nYes.", TAGS, "", "Hm.</think>\nYes."),
    ("```\n<think>x</think>\n```", TAGS, "", "```\n<think>x</think>\n```"),
    ("`<think>` opens it.", TAGS, "", "`<think>` opens it."),
    ("Yes. <think>x</think>", TAGS, "", "Yes. <think>x</think>"),
    ("<thin", TAGS, "", "<thin"),
    ("<table> is a tag.", TAGS, "", "<table> is a tag."),
    ("  Yes.", TAGS, "", "  Yes."),
    ("İ<think>", TAGS, "", "İ<think>"),
    ("<think>Hm.</think>Yes.", OFF, "", "<think>Hm.</think>Yes."),
    ("", TAGS, "", ""),
]


@pytest.mark.parametrize(("text", "mode", "thoughts", "answer"), TEXTS)
def test_a_text_is_split_alike_wherever_it_is_cut(text, mode, thoughts, answer):
    for first, second in combinations(range(len(text) + 1), 2):
        pieces = text[:first], text[first:second], text[second:]
        assert split(pieces, mode) == (thoughts, answer), pieces
    assert split(text, mode) == (thoughts, answer)  # character by character


@given(
    st.lists(st.text(st.sampled_from("<>/thinkTHINK[]◁▷| \na"), max_size=8), max_size=12),
    st.sampled_from([TAGS, OPENED]),
)
def test_whatever_comes_pieces_change_nothing(pieces, mode):
    assert split(pieces, mode) == split(["".join(pieces)], mode)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_that_begins_without_a_tag_is_the_answer_to_the_last_character(text):
    assert split(text, TAGS) in (("", text), split([text], TAGS))
    if not text.lstrip().startswith(("<", "[", "◁")):
        assert split(text, TAGS) == ("", text)


def test_most_replies_are_asked_about_but_once():
    splitter = Splitter()
    assert splitter.feed("Hello") == ("", "Hello")
    assert splitter.is_past


def test_white_space_without_end_is_not_held_for_ever():
    assert split([" " * 10_000]) == ("", " " * 10_000)
    splitter = Splitter()
    for _ in range(1_000):
        splitter.feed(" ")
    assert splitter.is_past


def test_reasoning_flows_while_it_is_written():
    splitter = Splitter()
    assert splitter.feed("<think>one ") == ("one ", "")
    assert splitter.feed("two < three") == ("two < three", "")
    assert splitter.feed(" four <") == (" four ", "")
    assert splitter.feed(" five") == ("< five", "")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hm.\n</think>\n\nYes.", ("Hm.", "Yes.")),
        ("Hm.\n  </thinking>  \nYes.", ("Hm.", "Yes.")),
        ("Close it by </think> then.", None),
        ("```html\n</think>\n```\nThat was it.", None),
        ("<think>\n</think>\nboth stand here", None),
        ("Hm.\n</think>\n", None),
        ("\n</think>\nYes.", None),
    ],
)
def test_a_closing_tag_alone_splits_a_whole_text_only_where_it_can_mean_nothing_else(text, parts):
    assert split_whole(text) == parts


def test_an_answer_is_found_in_a_whole_text():
    assert answer_in("<think>Hm.</think>Yes.") == "Yes."
    assert answer_in("Hm.\n</think>\nYes.") == "Yes."
    assert answer_in("Hm.</think>Yes.", OPENED) == "Yes."
    assert answer_in("Hm.\n</think>\nYes.", OFF) == "Hm.\n</think>\nYes."
    assert answer_in("<think>Hm.") == ""


@pytest.mark.parametrize(
    ("parameters", "mode"),
    [({}, TAGS), ({"reasoning": "opened"}, OPENED), ({"reasoning": "off"}, OFF), ({"reasoning": 7}, TAGS)],
)
def test_the_catalogue_says_how_a_model_marks_its_reasoning(parameters, mode):
    assert mode_of(parameters) == mode


@pytest.mark.parametrize(
    ("prompt", "tag"),
    [
        ("<|assistant|>\n<think>\n", "<think>\n"),
        ("<|assistant|><THINK>", "<THINK>"),
        ("What is <think>?\n<|assistant|>\n", ""),
        ("<think>\n\n</think>\n\n", ""),
        ("", ""),
    ],
)
def test_a_prompt_may_open_the_block(prompt, tag):
    assert opened_by(prompt) == tag
