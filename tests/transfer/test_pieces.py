"""Large JSON in pieces: cut anywhere, the same chats come out."""

from __future__ import annotations

import json
import random

import pytest

from chatsite.transfer import decoding
from chatsite.transfer import pieces as splitting
from chatsite.transfer.decoding import decode
from chatsite.transfer.pieces import MOST_DEPTH, Piece, pieces

CHATS = [
    {"a": 'quote " and \\ backslash \\" {[', "b": [[], {}, [1, -2.5, 3e2, True, False, None]]},
    {"c": "Tiếng Việt 🙂 \\\\", "d": {"e": {"f": "]}"}}, "": "\u2028"},
    {},
    {"empty": "", "n": [""]},
    {"odd": '"{', "even": "\\\\"},
]


def cut(data: bytes, seed: int) -> list[bytes]:
    generator, chunks = random.Random(seed), []
    while data:
        size = generator.choice([1, 1, 2, 3, 7, 50])
        chunks.append(data[:size])
        data = data[size:]
    return chunks


def texts(data: bytes, most: int = 10_000) -> list[Piece]:
    return list(pieces([data], most))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("indent", [None, 2])
def test_chats_come_out_of_an_array_wherever_it_is_cut(seed, indent):
    data = json.dumps(CHATS, indent=indent, ensure_ascii=seed % 2 == 0).encode()
    assert [decode(piece) for piece in pieces(cut(data, seed), 10_000)] == CHATS


@pytest.mark.parametrize("seed", range(5))
def test_lines_and_single_objects_are_chats_too(seed):
    data = b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(chat).encode() for chat in CHATS)
    assert [decode(piece) for piece in pieces(cut(data, seed), 10_000)] == CHATS
    assert [decode(piece) for piece in texts(json.dumps(CHATS[0]).encode())] == CHATS[:1]


def test_one_that_is_broken_within_spoils_no_other():
    found = texts(b'[{"a": 1}, {"a": nonsense, }, {"a": 3}]')
    assert decode(found[0]) == {"a": 1}
    assert decode(found[2]) == {"a": 3}
    with pytest.raises(ValueError, match="Expecting"):
        decode(found[1])


def test_one_that_is_too_large_is_passed_over_and_not_kept():
    data = json.dumps([{"a": 1}, {"a": "x" * 5_000}, {"a": 3}]).encode()
    found = list(pieces(cut(data, 1), 1_000))
    assert [piece.problem for piece in found] == ["", "large", ""]
    assert found[1].text == b""
    assert decode(found[2]) == {"a": 3}


@pytest.mark.parametrize("crowd", [b"{}", b"1", b'""', b"[]", b'{"a":"b"}'])
@pytest.mark.parametrize("seed", range(3))
def test_one_of_more_values_than_any_chat_has_is_passed_over_wherever_it_is_cut(crowd, seed, monkeypatch):
    """A few bytes of JSON become a hundred of Python's: size alone is no bound."""
    monkeypatch.setattr(splitting, "MOST_VALUES", 100)
    data = b'[{"a": [1, 2]}, {"a": [' + b" ,\n".join([crowd] * 101) + b']}, {"a": "' + b",{[" * 200 + b'"}]'
    found = list(pieces(cut(data, seed), 100_000))
    assert [(piece.problem, bool(piece.text)) for piece in found] == [("", True), ("large", False), ("", True)]
    assert list(pieces([data], 100_000)) == found


def test_values_are_counted_for_each_piece_alone(monkeypatch):
    monkeypatch.setattr(splitting, "MOST_VALUES", 100)
    data = json.dumps([{"a": [0] * 60}] * 5).encode()
    assert [piece.problem for piece in pieces([data], 100_000)] == [""] * 5


def test_one_that_is_nested_too_deeply_is_passed_over():
    deep = b"[" * (MOST_DEPTH + 5) + b"]" * (MOST_DEPTH + 5)
    found = texts(b'[{"a": 1}, {"a": ' + deep + b'}, {"a": 3}]', 100_000)
    assert [piece.problem for piece in found] == ["", "deep", ""]


def test_one_that_has_no_end_is_told():
    assert [piece.problem for piece in texts(b'[{"a": 1}, {"a": "open')] == ["", "cut"]


def test_the_end_of_each_piece_tells_how_far_it_is():
    data = b'[{"a":1},{"a":2}]'
    assert [piece.end for piece in texts(data)] == [8, 16]


@pytest.mark.parametrize("value", [*CHATS, [], [[]], [1], {"a": []}, [{"b": [{}]}]])
def test_the_patient_decoder_reads_as_pythons_own(value, monkeypatch):
    monkeypatch.setattr(decoding, "QUICK", 0)
    for indent in (None, 1):
        assert decode(Piece(json.dumps(value, indent=indent).encode(), 0)) == value


@pytest.mark.parametrize(
    "text", ["{", "[1", "[1,]", '{"a"}', '{"a":}', "{1:2}", "[1]]", "[1}", "[01x]", '["\n"]', "tru", "", "[NaN]"]
)
def test_the_patient_decoder_refuses_what_is_not_json(text, monkeypatch):
    monkeypatch.setattr(decoding, "QUICK", 0)
    with pytest.raises(ValueError):  # noqa: PT011 - whatever its words
        decode(Piece(text.encode(), 0))


def test_depth_is_no_recursion():
    depth = MOST_DEPTH
    value = decode(Piece(b'{"a":' * depth + b"1" + b"}" * depth, 0, depth))
    for _level in range(depth):
        value = value["a"]
    assert value == 1
