"""Lists of names are in the order of the reader's alphabet."""

from __future__ import annotations

import random
import re

import pytest
from django.urls import reverse
from django.utils import translation

from conversations import services
from conversations.indexing.alphabet import by_name

VIETNAMESE = [
    *("An", "an toàn", "apple", "Ăn uống", "Âm nhạc", "Berlin", "dao", "Dương", "đi chơi", "Huế"),
    *("ma", "mà", "mả", "mã", "má", "mạ", "mang", "Oanh", "Ông bà", "Ở nhà", "thư", "Zoo"),
]


def shuffled(names: list[str]) -> list[str]:
    return random.Random(7).sample(names, len(names))


def test_vietnamese_letters_stand_behind_those_they_are_made_of_and_tones_in_their_order():
    with translation.override("vi"):
        assert sorted(shuffled(VIETNAMESE), key=by_name) == VIETNAMESE


def test_in_another_language_accents_and_capitals_part_nothing():
    names = ["Ăn uống", "apple", "Berlin", "đi chơi", "Zoo"]
    assert sorted(shuffled(names), key=by_name) == names


@pytest.mark.django_db
def test_prompts_are_in_that_order(client, alice, catalogue):
    for name in shuffled(["zoo", "an", "ăn", "âm", "đi"]):
        services.save_prompt(alice, name=name, text="Hello")
    client.force_login(alice)
    for page in ("conversations:prompts", "conversations:prompt_choices"):
        html = client.get(reverse(page), headers={"accept-language": "vi"}).content.decode()
        assert list(dict.fromkeys(re.findall(r">\s*/(zoo|an|ăn|âm|đi)<", html))) == ["an", "ăn", "âm", "đi", "zoo"], (
            page
        )
