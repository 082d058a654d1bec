"""Where a model that was asked to go on meets the text so far."""

from __future__ import annotations

import pytest

from conversations.streaming.joint import Joint


def joined(before: str, *pieces: str) -> str:
    joint = Joint(before)
    return before + "".join(map(joint.feed, pieces)) + joint.finish()


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("The quick brown", "fox jumps.", "The quick brown fox jumps."),
        ("The quick brown ", "fox jumps.", "The quick brown fox jumps."),
        ("The quick brown", " fox jumps.", "The quick brown fox jumps."),
        ("One sentence.", "Another one.", "One sentence. Another one."),
        ("Tiếng", "Việt", "Tiếng Việt"),
        ("我喜欢", "吃苹果", "我喜欢吃苹果"),
        ("ภาษา", "ไทยง่าย", "ภาษาไทยง่าย"),
        ("print(", "x)", "print(x)"),
        ("A word", ", and more", "A word, and more"),
        ("- one", "- two", "- one\n- two"),
        ("1. one", "2. two", "1. one\n2. two"),
        ("The end of it", "```python", "The end of it\n```python"),
        ("- one\n", "- two", "- one\n- two"),
        ("Some", "", "Some"),
        ("Some", " \n", "Some"),
        ("Some", "a", "Some a"),
    ],
)
@pytest.mark.parametrize("letter_by_letter", [False, True])
def test_two_parts_read_as_one_text(before, after, whole, letter_by_letter):
    assert joined(before, *(after if letter_by_letter else [after])) == whole


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_the_model_says_again_stands_there_once(size):
    before = "First.\n\nThe cut came in the middle of a sentence that was ra"
    after = "in the middle of a sentence that was rather long. The end."
    pieces = [after[i : i + size] for i in range(0, len(after), size)]
    assert (
        joined(before, *pieces) == "First.\n\nThe cut came in the middle of a sentence that was rather long. The end."
    )


def test_a_few_words_that_occurred_before_are_kept():
    assert joined("So it goes, and", "so it goes.") == "So it goes, and so it goes."


def test_text_passes_at_once_when_nothing_was_said_again():
    joint = Joint("Some words")
    assert joint.feed("zebras ") == " zebras "
    assert joint.feed("run") == "run"
    assert joint.finish() == ""
