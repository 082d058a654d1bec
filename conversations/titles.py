"""Titles of at most five words: by the model, else from the first message."""

from __future__ import annotations

import asyncio
import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from django.conf import settings

from conversations.backends import ChatBackend
from conversations.backends.breaker import Attempt
from conversations.errors import ChatError
from conversations.models import TITLE_MAX_LENGTH
from conversations.reasoning import Splitter, answer_in, mode_of
from conversations.types import NOTHING, ChatRequest, Message

logger = logging.getLogger(__name__)

MAX_WORDS = 5
MAX_LETTERS_UNSPACED = 20  # for scripts that put no spaces between words
MAX_PROMPT_CHARACTERS = 4_000
MAX_TOKENS = 40
MAX_THINKING_TOKENS = 1_000  # for models that think before they say anything, be it a title
LONG_ENOUGH = 80  # characters
INSTRUCTION = (
    "Give this conversation a descriptive, 5-word title with no emojis. "
    "Write it in the language of the conversation. Answer with the title only."
)
_LABEL = re.compile(r"^\W*(title|tiêu đề|titre|titel|título)\W*:", re.IGNORECASE)
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_EDGES = " \t\"'`*_#~.,;:!?…。．！？、，；：·-–—«»“”‘’„‚‹›「」『』《》()[]{}<>|/\\"
_JOINER = "\u200d"  # part of emoji, but of words in some scripts too
_CLOSERS = {"(": ")", "[": "]"}


async def make_title(
    messages: Sequence[Message],
    backend: ChatBackend,
    model: str = "",
    *,
    parameters: Mapping[str, Any] = NOTHING,
    thinks: bool = False,
) -> str:
    """A title for these messages, oldest first. Never fails: without a usable answer, the first words.

    `parameters` are those of the catalogue's entry. Of a model that `thinks` only what follows its thoughts is read.
    Asked once, and not at all of what does not answer others: a title is not worth waiting for.
    """
    first = next((message.content for message in messages if message.role == "user"), "")
    if not backend.is_language_model:  # it answered in the place of one
        return fallback(first)
    try:
        with Attempt(backend.alias, model, label=backend.label):
            async with asyncio.timeout(settings.CHAT_TITLE_TIMEOUT):
                request = _request(messages, model, parameters, MAX_THINKING_TOKENS if thinks else 0)
                answer = await _answer(backend, request)
        return tidy(answer) or fallback(first)
    except (ChatError, TimeoutError) as error:
        logger.info("No title by the model: %s", type(error).__name__)
    except Exception:
        logger.exception("Making a title failed")
    return fallback(first)


async def _answer(backend: ChatBackend, request: ChatRequest) -> str:
    """What the model says, read no further than a title goes: some models talk on, and every token costs."""
    splitter, answer = Splitter(mode_of(request.parameters)), ""
    async with aclosing(backend.stream(request)) as deltas:
        async for delta in deltas:
            answer += splitter.feed(delta.text)[1]
            if len(answer.lstrip()) > LONG_ENOUGH or "\n" in answer.lstrip():
                break
    return answer + splitter.finish()[1]


def fallback(text: str) -> str:
    """The first words of what was asked, and a sign that there were more."""
    line = next((line for line in text.splitlines() if tidy(line)), "")
    title = tidy(line)
    is_cut = len(_strip(_plain(line)).split()) > MAX_WORDS
    return f"{title}…" if is_cut else title


def tidy(text: str) -> str:
    """At most five words on one line, without emoji, quotes, Markdown, label or full stop."""
    lines = answer_in(text).splitlines()
    line = next((line for line in lines if _plain(line).strip(_EDGES)), "")
    line = _LABEL.sub("", _plain(line))
    words = [word for word in _strip(line).split() if word != _JOINER][:MAX_WORDS]
    title = _strip(" ".join(words))
    if len(_UNSPACED.findall(title)) > MAX_LETTERS_UNSPACED:
        title = title[:MAX_LETTERS_UNSPACED]
    return title[:TITLE_MAX_LENGTH].strip()


def _strip(text: str) -> str:
    """Without decoration at the edges, but with brackets and signs that belong to a word: C++, f(x)."""
    stripped = text.strip(_EDGES)
    after = text[text.find(stripped) + len(stripped) :] if stripped else ""
    for opener, closer in _CLOSERS.items():
        if after.startswith(closer) and stripped.count(opener) > stripped.count(closer):
            stripped += closer
    return stripped


def _plain(text: str) -> str:
    return "".join(" " if _is_pictorial(character) else character for character in text).replace("**", "")


def _is_pictorial(character: str) -> bool:
    """Emoji and what modifies them; control characters and NUL too."""
    if character < "\x7f":
        return character < " "
    code = ord(character)
    return (
        unicodedata.category(character) in {"So", "Cc", "Cs", "Co", "Cn"}
        or 0x1F000 <= code <= 0x1FAFF
        or 0xE0000 <= code <= 0xE007F
        or code in (0x20E3, 0xFE0E, 0xFE0F)
    )


def _request(
    messages: Sequence[Message], model: str, parameters: Mapping[str, Any] = NOTHING, thinking_tokens: int = 0
) -> ChatRequest:
    """The conversation, cut to a size that any model takes, plus a message that nobody sees."""
    shown, room = [], MAX_PROMPT_CHARACTERS
    for message in messages:
        if room > 0 and message.content:
            shown.append(Message(message.role, message.content[:room]))
            room -= len(message.content)
    options = {"purpose": "title", "temperature": 0.3, "max_tokens": MAX_TOKENS + thinking_tokens}
    prompt = (*shown, Message("user", INSTRUCTION))
    return ChatRequest(prompt, model=model, options=options, parameters=parameters)
