"""What servers say of a prompt that is too long is recognised, and its numbers are read."""

from __future__ import annotations

import pytest

from conversations.backends.servers.refusal import Refusal

SAID = {
    "openai": (
        "This model's maximum context length is 4097 tokens. However, your messages resulted in 5012 tokens. "
        "Please reduce the length of the messages.",
        (4097, 5012),
    ),
    "openai, with the answer": (
        "This model's maximum context length is 4097 tokens. However, you requested 4203 tokens (3703 in the messages, "
        "500 in the completion). Please reduce the length of the messages or completion.",
        (4097, 3703),
    ),
    "openrouter": (
        "This endpoint's maximum context length is 128000 tokens. However, you requested about 140000 tokens "
        "(139488 of text input, 512 in the output).",
        (128000, 139488),
    ),
    "vllm": (
        "'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context length is 65536 "
        "tokens and your request has 24632 input tokens (43148 > 65536 - 24632).",
        (65536, 24632),
    ),
    "sglang": (
        "Requested token count exceeds the model's maximum context length of 131072 tokens. You requested a total of "
        "133000 tokens: 132488 tokens from the input messages and 512 tokens for the completion.",
        (131072, 132488),
    ),
    "together": (
        "The input (516368 tokens) is longer than the model's context length (262144 tokens).",
        (262144, 516368),
    ),
    "tgi": (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and "
        "512 `max_new_tokens`",
        (4096, 4000),
    ),
    "tgi, input alone": ("`inputs` must have less than 3072 tokens. Given: 4000", (3072, 4000)),
    "llama.cpp": (
        "request (66202 tokens) exceeds the available context size (65536 tokens), try increasing it",
        (65536, 66202),
    ),
    "mistral": (
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        (32768, 40000),
    ),
    "xai": (
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        (131072, 537812),
    ),
    "gemini": (
        "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        (1048575, 1196265),
    ),
    "anthropic": ("prompt is too long: 208310 tokens > 200000 maximum", (200000, 208310)),
    "kimi": ("Your request exceeded model token limit: 262144 (requested: 300000)", (262144, None)),
    "github": ("prompt token count of 200000 exceeds the limit of 128000", (128000, 200000)),
    "cerebras": (
        "Please reduce the length of the messages or completion. Current length is 9284 while limit is 8192",
        (8192, 9284),
    ),
    "lm studio": (
        "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context "
        "length of only 4096 tokens, which is not enough.",
        (4096, None),
    ),
    "groq, no numbers": ("Please reduce the length of the messages or completion.", (None, None)),
}


@pytest.mark.parametrize("server", SAID)
def test_a_refusal_as_too_long_tells_its_numbers(server):
    message, sizes = SAID[server]
    refusal = Refusal.from_error({"error": {"message": message, "code": 400}})
    assert refusal.is_context_too_long
    assert refusal.told_sizes == sizes


def test_llama_cpp_tells_them_beside_its_sentence():
    said = {
        "code": 400,
        "message": "the request exceeds the available context size. try increasing the context size",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 14429,
        "n_ctx": 8192,
    }
    refusal = Refusal.from_error({"error": said})
    assert refusal.is_context_too_long
    assert refusal.told_sizes == (8192, 14429)


@pytest.mark.parametrize(
    "message",
    [
        "Rate limit reached: limit is 30 requests per minute",
        "You exceeded the limit of your plan",
        "max_tokens must be at least 1",
        "Unrecognized request argument supplied: top_k",
    ],
)
def test_other_refusals_are_not_taken_for_it(message):
    assert not Refusal.from_error({"error": {"message": message, "code": 400}}).is_context_too_long


def test_a_number_that_can_be_no_context_is_not_believed():
    assert Refusal(400, "maximum context length is 4 tokens").told_sizes.context is None
