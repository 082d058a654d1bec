"""The Guide knows this site, and nothing that is not there."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import polib
import pytest
from django.conf import settings

from chatsite.catalogues import catalogues
from chatsite.connections import PARTS
from chatsite.guide import CHOICES, LANGUAGES, TREE, read_sections
from conversations.backends import get_backend
from conversations.types import ChatRequest, Message

# Variables of other programs that the Guide's commands name.
FOREIGN = {"OLLAMA_HOST", "PORT"}
TEXTS = [(name, language) for name in TREE["nodes"] for language in LANGUAGES]


async def ask(*said: str) -> str:
    """Say one thing after the other to the Guide, and return its last answer."""
    guide, messages = get_backend("guide"), []
    for text in said:
        messages.append(Message("user", text))
        messages.append(await guide.complete(ChatRequest(tuple(messages))))
    return messages[-1].content


def node(name: str, language: str = "en") -> str:
    return TREE["nodes"][name]["text"][language]


def test_the_tree_is_whole():
    assert list(get_backend("guide").check()) == []


def test_both_languages_tell_about_the_same_things():
    assert set(read_sections("en")) == set(read_sections("vi")) == set(CHOICES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_give_the_same_commands(language):
    blocks = {name: re.findall(r"```.*?```", node(name, language), re.DOTALL) for name in CHOICES}
    assert blocks == {name: re.findall(r"```.*?```", node(name), re.DOTALL) for name in CHOICES}


MARKED = re.compile(r"\*\*([^*]+)\*\*|“([^”]+)”")
CATALOGUE = {one.msgid: one.msgstr for one in polib.pofile(str(next(catalogues()))) if one.msgstr}


@pytest.mark.parametrize("name", CHOICES)
def test_it_calls_buttons_what_they_are_called_in_its_language(name):
    for path in filter(None, chain(*MARKED.findall(node(name)))):
        steps = [CATALOGUE.get(step) for step in path.split(" → ")]
        if all(steps):  # else it leads through another site
            assert " → ".join(steps) in node(name, "vi"), path


@pytest.mark.parametrize(("name", "language"), TEXTS)
def test_every_setting_that_it_names_exists(name, language):
    sources = [
        Path(settings.BASE_DIR, "chatsite", file).read_text("utf-8")
        for file in ("settings.py", "connections.py", "environment.py")
    ]
    reads = re.findall(r'\b(?:text|flag|number|whole|words)\(\s*"([A-Z0-9_]+)"', "".join(sources))
    known = {*reads, *FOREIGN}
    text = node(name, language)
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", text))
    named = {name for name in named if not re.fullmatch(rf"CHAT_CONNECTION_WORK_({'|'.join(PARTS)})", name)}
    named |= set(re.findall(r"(?:^|[ `])([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    assert named - known == set()


@pytest.mark.parametrize(("name", "language"), TEXTS)
def test_its_code_blocks_are_closed_and_its_words_are_sober(name, language):
    text = node(name, language)
    assert text.count("```") % 2 == 0
    assert not re.search("[\U0001f000-\U0001faff\u2600-\u27bf]", text)


@pytest.mark.parametrize(
    ("said", "name", "language"),
    [
        ("What can this site do?", "about", "en"),
        ("How do I connect a language model?", "connect", "en"),
        ("Hello!", "hello", "en"),
        ("Where are my conversations stored?", "kept", "en"),
        ("Who can read what I write?", "privacy", "en"),
        ("How do I rename a conversation?", "manage", "en"),
        ("connect Ollama", "ollama", "en"),
        ("HF_TOKEN", "hugging_face", "en"),
        ("vLLM", "vllm", "en"),
        ("llama.cpp", "llama_cpp", "en"),
        ("make run LOCAL_MODEL=Qwen/Qwen2.5-0.5B-Instruct", "local", "en"),
        ("Can I keep conversations in S3?", "storage", "en"),
        ("How do I deploy to Heroku?", "heroku", "en"),
        ("deploy on Hugging Face Spaces", "spaces", "en"),
        ("create an admin", "admin", "en"),
        ("I get error 401 with my Hugging Face token", "trouble_401", "en"),
        ("out of credit", "trouble_402", "en"),
        ("429 Too Many Requests", "trouble_429", "en"),
        ("the model is loading (503)", "trouble_503", "en"),
        ("Ollama: connection refused", "trouble_unreachable", "en"),
        ("It doesn’t work", "trouble", "en"),
        ("Who are you?", "who", "en"),
        ("How do I search my chats?", "find", "en"),
        ("Can I get a deleted chat back?", "trash", "en"),
        ("How can I share a conversation?", "share", "en"),
        ("Import my chats from ChatGPT", "transfer", "en"),
        ("How do I change the language?", "preferences", "en"),
        ("Can we use our logo?", "look", "en"),
        ("Can people try it without an account?", "trials", "en"),
        ("Which keyboard shortcuts are there?", "keyboard", "en"),
        ("Làm sao chia sẻ một cuộc trò chuyện?", "share", "vi"),
        ("Tôi lỡ xóa cuộc trò chuyện", "trash", "vi"),
        ("đổi ngôn ngữ thế nào?", "preferences", "vi"),
        ("Xin chào", "hello", "vi"),
        ("Trang này làm được gì?", "about", "vi"),
        ("lam sao ket noi mo hinh", "connect", "vi"),
        ("Ai đọc được tin nhắn của tôi?", "privacy", "vi"),
        ("Kết nối Ollama được không?", "ollama", "vi"),
        ("Không kết nối được", "trouble_unreachable", "vi"),
    ],
)
async def test_it_answers_what_people_ask(said, name, language):
    assert (await ask(said)).startswith(node(name, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_says_of_deleting_is_what_happens(language):
    assert str(settings.CHAT_TRASH_DAYS) in node("manage", language)
    assert str(settings.CHAT_TRASH_DAYS) in node("trash", language)


@pytest.mark.parametrize(
    "said",
    [
        "Explain a hard idea in simple words",
        "Help me write a polite e-mail",
        "Tell me about the history of Rome",
        "Translate hello to Vietnamese",
        "How do I move a couch?",
        "Write an announcement for our summer party",
        "Write a poem in Vietnamese",
        "What is another language model?",
    ],
)
async def test_it_says_plainly_that_it_is_no_language_model(said):
    answer = await ask(said)
    assert answer.startswith("I have no answer to that: I am a fixed set of rules, not a language model.")
    assert "\n1. What this site can do\n2. Connect a language model\n" in answer


async def test_it_says_so_in_vietnamese_too():
    assert (await ask("Thủ đô của Pháp là gì?")).startswith(TREE["unknown"]["vi"])


async def test_it_walks_a_newcomer_to_ollama_by_numbers_alone():
    answer = await ask("Hello", "2", "2")
    assert answer.startswith("**Step 1 of 3: install Ollama**")
    assert "```sh\nollama pull llama3.2\n```" in answer
    assert "OLLAMA_HOST=http://localhost:11434" in answer


async def test_it_walks_a_newcomer_to_hugging_face_and_on():
    assert (await ask("How do I connect a language model?", "1")).startswith("**Step 1 of 3: get a token.**")
    assert (await ask("How do I connect a language model?", "1", "1")).startswith(node("connected"))
    assert (await ask("How do I connect a language model?", "1", "1", "back")).startswith(node("hugging_face"))
