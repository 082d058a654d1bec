"""What stands under a compared answer: times, tokens and speed, as far as they are known."""

from __future__ import annotations

import pytest
from django.utils import translation

from conversations.measures import measures

WHOLE = {"first_token_ms": 400, "duration_ms": 4_400, "completion_tokens": 100, "tokens_per_second": 25.0}


def test_all_that_is_known_is_told():
    assert measures(WHOLE) == ("begins after 400 ms", "takes 4.4 s", "100 tokens", "25 tokens/s")


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_not_known_is_left_out(name):
    known = {key: value for key, value in WHOLE.items() if key != name}
    assert measures(known) == tuple(text for key, text in zip(WHOLE, measures(WHOLE), strict=True) if key != name)


def test_nothing_is_known_of_an_old_reply():
    assert measures({}) == ()


def test_one_token_is_one():
    assert measures({"completion_tokens": 1}) == ("1 token",)


def test_a_slow_model_is_told_with_a_digit_more():
    assert measures({"tokens_per_second": 2.5}) == ("2.5 tokens/s",)


def test_numbers_are_written_as_the_reader_writes_them():
    with translation.override("de"):
        assert any("4,4" in measure for measure in measures(WHOLE))
