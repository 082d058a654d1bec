"""The numbers in what servers say of a prompt that is too long for the model's context.

The sentences are those of OpenAI, OpenRouter and DeepSeek, vLLM (three versions), SGLang, Together, TGI, llama.cpp and
Ollama, Mistral, xAI, Gemini, Anthropic, Kimi, GitHub Models, Cerebras and LM Studio, as reports of them quote them
(tests/backends/test_context_refusal.py has each).
"""

from __future__ import annotations

import re
from typing import NamedTuple

LEAST_SIZE, MOST_SIZE = 128, 100_000_000  # tokens; what is not between is something else
_NUMBER = r"(\d[\d,]*)"
_SIZE = re.compile(
    rf"(?:context|prompt|input) (?:length|size|window) (?:is|of)(?: only)? {_NUMBER}"
    rf"|context (?:length|size|window) \({_NUMBER} tokens|tokens allowed \({_NUMBER}\)|tokens > {_NUMBER} maximum"
    rf"|must be <= {_NUMBER}|must have less than {_NUMBER} tokens|model with {_NUMBER} maximum context"
    rf"|(?:configured limit|the limit) of {_NUMBER}|limit is {_NUMBER}|token limit: {_NUMBER}|n_ctx={_NUMBER}",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    rf"\({_NUMBER} (?:in the messages|of text input)|has {_NUMBER} input tokens|resulted in {_NUMBER} tokens"
    rf"|{_NUMBER} tokens from the input messages|(?:request|input) \({_NUMBER} tokens|n_prompt_tokens={_NUMBER}"
    rf"|too long: {_NUMBER} tokens|token count (?:of |\(){_NUMBER}|Given: {_NUMBER}|request contains {_NUMBER} tokens"
    rf"|Prompt contains {_NUMBER} tokens|Current length is {_NUMBER}|Input length {_NUMBER}",
    re.IGNORECASE,
)


class ToldSizes(NamedTuple):
    """In tokens; None where the server did not say."""

    context: int | None = None
    prompt: int | None = None


def told_sizes(message: str) -> ToldSizes:
    size, prompt = _first(_SIZE, message), _first(_PROMPT, message)
    if size is None or not LEAST_SIZE <= size <= MOST_SIZE:
        size = None
    return ToldSizes(size, prompt)


def _first(pattern: re.Pattern[str], message: str) -> int | None:
    found = pattern.search(message)
    number = next((group for group in found.groups() if group), "") if found else ""
    return int(number.replace(",", "")) if number else None
