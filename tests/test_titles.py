"""Titles: at most five words, in the chat's own language, whatever the model sends."""

from __future__ import annotations

import asyncio

import pytest

from conversations.backends.scripted import ScriptedBackend
from conversations.errors import BackendError
from conversations.titles import INSTRUCTION, fallback, make_title, tidy
from conversations.types import Message

CHAT = [Message("user", "How do I bake bread at home without yeast?"), Message("assistant", "With baking soda.")]


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("Baking Bread Without Any Yeast", "Baking Bread Without Any Yeast"),
        ("Baking Bread At Home Without Yeast Today", "Baking Bread At Home Without"),
        ('"Baking bread"', "Baking bread"),
        ("**Baking Bread**", "Baking Bread"),
        ("Title: Baking Bread.", "Baking Bread"),
        ("# Baking Bread 🍞🥖", "Baking Bread"),
        ("🍞 Baking 👩‍🍳 Bread", "Baking Bread"),
        ("<think>What could it be?</think>\nBaking Bread", "Baking Bread"),
        ("Làm bánh mì tại nhà không men", "Làm bánh mì tại nhà"),
        ("Tiêu đề: Cách làm bánh mì", "Cách làm bánh mì"),
        ("无酵母面包的做法。", "无酵母面包的做法"),
        ("“Brot backen”", "Brot backen"),
        ("Learning C++ quickly", "Learning C++ quickly"),
        ("What is f(x)?", "What is f(x)"),
        ("\n\n  Baking Bread \nIt is about bread.", "Baking Bread"),
        ("🍞", ""),
        ("...", ""),
        ("", ""),
        ("a" * 1000, "a" * 200),
        ("nul\x00 byte", "nul byte"),
    ],
)
def test_a_title_is_tidied_whatever_the_model_sends(answer, title):
    assert tidy(answer) == title


async def test_the_model_is_asked_with_a_message_that_nobody_sees():
    backend = ScriptedBackend()
    backend.enqueue_title("Bread Without Yeast")
    assert await make_title(CHAT, backend, "m") == "Bread Without Yeast"
    asked = backend.requests[0]
    assert asked.messages[-1].content == INSTRUCTION
    assert "5-word title with no emojis" in INSTRUCTION
    assert [m.content for m in asked.messages[:-1]] == [m.content for m in CHAT]
    assert asked.model == "m"


async def test_a_model_that_fails_leaves_the_first_words():
    backend = ScriptedBackend()
    backend.enqueue_title(BackendError("no"))
    backend.enqueue_title(ValueError("a bug"))
    backend.enqueue_title("🍞")
    for _ in range(3):
        assert await make_title(CHAT, backend) == "How do I bake bread…"


async def test_a_model_that_hangs_leaves_the_first_words(settings):
    settings.CHAT_TITLE_TIMEOUT = 0.05
    backend = ScriptedBackend()
    backend.enqueue_title(asyncio.Event().wait, "Too late")
    assert await make_title(CHAT, backend) == "How do I bake bread…"


async def test_a_long_conversation_is_cut_to_what_any_model_takes():
    backend = ScriptedBackend()
    await make_title([Message("user", "word " * 100_000)], backend)
    assert sum(len(m.content) for m in backend.requests[0].messages) < 5_000


def test_the_first_words_skip_lines_that_say_nothing():
    assert fallback("```\n\n>>> \nWhy does this crash every time I run it?") == "Why does this crash every…"
    assert fallback("???") == ""


async def test_a_model_that_talks_on_is_not_listened_to_for_long():
    backend = ScriptedBackend()
    backend.enqueue_title("Five words about the tides", *[f" and more {number}" for number in range(1000)])
    spoken = []

    async def listen():
        spoken.append(True)

    backend.enqueue_title("Five words about the tides", ", then\n", "another line", listen)
    assert await make_title([Message("user", "Why are there tides?")], backend) == "Five words about the tides"
    assert await make_title([Message("user", "Why are there tides?")], backend) == "Five words about the tides"
    assert not spoken
    assert backend.closed == 2
