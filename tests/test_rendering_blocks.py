"""Where blocks begin and end: the same, however a text arrives."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.rendering import BlockSplitter, needs_whole, render, render_block, render_open, split
from conversations.rendering.blocks import LIST_LENGTH
from conversations.rendering.splitter import BLOCKS
from tests.rendering_pieces import CORPUS, PIECES

ANSWERS = [path.read_bytes().decode() for path in CORPUS]
answers = pytest.mark.parametrize("answer", ANSWERS, ids=[path.stem for path in CORPUS])
mixtures = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def fed(pieces) -> tuple[list[str], str]:
    splitter = BlockSplitter()
    blocks = [block for piece in pieces for block in splitter.feed(piece)]
    return blocks, splitter.tail


def assert_same(pieces, text: str) -> None:
    blocks, tail = fed(pieces)
    assert blocks + [tail] * bool(tail) == split(text)


@answers
def test_blocks_joined_are_the_text(answer):
    assert "".join(split(answer)) == answer


@answers
def test_a_text_cut_anywhere_has_the_same_blocks(answer):
    for position in range(len(answer) + 1):
        assert_same([answer[:position], answer[position:]], answer)


@answers
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 100])
def test_a_text_in_small_pieces_has_the_same_blocks(answer, size):
    assert_same([answer[i : i + size] for i in range(0, len(answer), size)], answer)


@answers
def test_a_block_alone_is_one_block(answer):
    for block in split(answer)[:-1]:
        assert split(block) == [block]


@answers
def test_the_tail_may_be_asked_for_at_any_time(answer):
    splitter, blocks = BlockSplitter(), []
    for start in range(0, len(answer), 5):
        blocks += splitter.feed(answer[start : start + 5])
        assert "".join([*blocks, splitter.tail]) == answer[: start + 5]
    assert [*blocks, splitter.tail] == split(answer)


@settings(deadline=None)
@given(mixtures, st.lists(st.integers(0, 400), max_size=8))
def test_any_text_cut_anyhow_has_the_same_blocks(text, cuts):
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    assert "".join(split(text)) == text
    assert_same([text[start:end] for start, end in pairwise(bounds)], text)


@settings(deadline=None)
@given(mixtures)
def test_any_block_alone_is_one_block(text):
    for block in split(text)[:-1]:
        assert split(block) == [block]


@answers
def test_a_reply_is_the_concatenation_of_its_blocks(answer):
    if not needs_whole(answer):
        assert render(answer) == "".join(map(render_block, split(answer)))


@answers
def test_what_was_shown_live_is_what_a_reload_shows(answer):
    splitter, html = BlockSplitter(), ""
    for start in range(0, len(answer), 4):
        html += "".join(map(render_block, splitter.feed(answer[start : start + 4])))
        render_open(splitter.tail)
    html += render_block(splitter.tail)
    assert needs_whole(answer) or html == render(answer)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("\n\n", ["\n\n"]),
        ("\n\na\n", ["\n\na\n"]),
        ("a\nb\n\n\nc", ["a\nb\n\n\n", "c"]),
        ("# a\nb\n", ["# a\n", "b\n"]),
        ("a\n# b\n", ["a\n", "# b\n"]),
        ("a\n===\nb\n", ["a\n===\n", "b\n"]),
        ("a\n---\n", ["a\n---\n"]),
        ("a\nb\n---\n", ["a\nb\n", "---\n"]),
        ("a\n- b\n- c\n", ["a\n", "- b\n- c\n"]),
        ("a\n1. b\n", ["a\n", "1. b\n"]),
        ("a\n2. b\n", ["a\n2. b\n"]),
        ("- a\n\n  b\n\nc\n", ["- a\n\n  b\n\n", "c\n"]),
        ("- a\n\n b\n", ["- a\n\n b\n"]),
        ("- a\n\n- b\n", ["- a\n\n- b\n"]),
        ("- a\nb\n", ["- a\n", "b\n"]),
        ("- a\n1. b\n", ["- a\n", "1. b\n"]),
        ("- a\n  ```\nb\n\nc\n  ```\n- d\n", ["- a\n  ```\nb\n\nc\n  ```\n- d\n"]),
        ("- a\n```\nb\n```\n- c\n", ["- a\n", "```\nb\n```\n", "- c\n"]),
        ("```\na\n\n# b\n```\nc\n", ["```\na\n\n# b\n```\n", "c\n"]),
        ("```\na\n\n", ["```\na\n\n"]),
        ("```\na\n    ```\nb\n", ["```\na\n    ```\nb\n"]),
        ("~~~\n```\n~~~\n", ["~~~\n```\n~~~\n"]),
        ("a\n| b | c |\n|---|---|\n| d | e |\nf\n", ["a\n", "| b | c |\n|---|---|\n| d | e |\n", "f\n"]),
        ("| b | c |\n|---|---|\n\n| d |\n", ["| b | c |\n|---|---|\n\n", "| d |\n"]),
        ("> a\n> b\n\n> c\nd\n", ["> a\n> b\n\n", "> c\n", "d\n"]),
        ("    a\n\n    b\nc\n", ["    a\n\n    b\n", "c\n"]),
        ("a\r\n\r\nb\r\n", ["a\r\n\r\n", "b\r\n"]),
    ],
)
def test_blocks_end_where_they_should(text, blocks):
    assert split(text) == blocks


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("a\n\nb", ["a\n\n"]),  # whatever follows, the paragraph is over
        ("- a\n\nText", ["- a\n\n"]),
        ("- a\nText", ["- a\n"]),
        ("- a\n\n-", []),  # an item, or a rule
        ("- a\n\n1", []),
        ("- a\n\n2024 was", ["- a\n\n"]),
        ("- a\n\n**bold", ["- a\n\n"]),
        ("# a\nb", ["# a\n"]),
        ("a\n", []),
        ("```\na\n```\nb", ["```\na\n```\n"]),
        ("```\na\n\nb", []),
    ],
)
def test_a_block_is_handed_out_as_soon_as_nothing_can_change_it(text, done):
    assert fed([text])[0] == done
    assert fed(text)[0] == done


def test_a_long_list_goes_on_in_another_block_with_its_numbers():
    text = "".join(f"{number}. item {number}\n\n   with a paragraph\n" for number in range(1, 400))
    blocks = split(text)
    assert 1 < len(blocks) < 10
    assert all(len(block) < 2 * LIST_LENGTH for block in blocks)
    numbers = [int(block.split(".")[0]) for block in blocks]
    assert all(f'<ol start="{number}">' in render(text) for number in numbers[1:])


def test_a_text_has_a_limited_number_of_blocks():
    text = "".join(f"# {number}\n" for number in range(2 * BLOCKS)) + "end"
    assert len(split(text)) == BLOCKS
    assert_same([text[i : i + 3] for i in range(0, len(text), 3)], text)
    assert f'<h1 aria-level="3">{BLOCKS - 2}</h1>' in render(text)
    assert f"# {2 * BLOCKS - 1}\nend\n</pre>" in render(text)
