"""What servers answer to GET /models, in their own shapes, as offers for the catalogue."""

from __future__ import annotations

import json

import pytest

from conversations.backends.servers.listing import offers
from conversations.models import ChatModel

ROUTER = {
    "object": "list",
    "data": [
        {
            "id": "acme/large",
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "providers": [
                {
                    "provider": "groq",
                    "status": "live",
                    "context_length": 131072,
                    "pricing": {"input": 0.6, "output": 3},
                },
                {
                    "provider": "novita",
                    "status": "live",
                    "context_length": 65536,
                    "pricing": {"input": 0.1, "output": 0.5},
                },
                {"provider": "gone", "status": "error", "context_length": 999999, "pricing": {"input": 0, "output": 0}},
            ],
        },
        {"id": "acme/painter", "architecture": {"output_modalities": ["image"]}},
    ],
}
OPENROUTER = {
    "data": [
        {
            "id": "acme/large",
            "name": "Acme: Large",
            "description": "A  model\nthat " + "talks " * 100,
            "context_length": 200000,
            "pricing": {"prompt": "0.00000015", "completion": "0.0000006"},
        },
        {"id": "acme/gift", "pricing": {"prompt": "0", "completion": "0"}},
    ]
}
OLLAMA = {
    "models": [
        {"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 2019393189, "details": {"family": "llama"}},
        {"name": "nomic-embed-text:latest", "size": 274302450},
    ]
}
LLAMA_CPP = {
    "models": [{"name": "/m/tiny.gguf", "capabilities": ["completion"]}],
    "data": [{"id": "/m/tiny.gguf", "meta": {"n_ctx_train": 8192, "n_params": 1, "size": 1234567890}}],
}
TOGETHER = [
    {
        "id": "a/chat",
        "type": "chat",
        "display_name": "A Chat",
        "license": "mit",
        "pricing": {"input": 0.18, "output": 0.18},
    },
    {"id": "a/see", "type": "image"},
]
MISTRAL = {
    "data": [
        {"id": "open", "capabilities": {"completion_chat": True}, "max_context_length": 32768},
        {"id": "ocr", "capabilities": {"completion_chat": False}},
    ]
}


def found(listing) -> list[dict]:
    return [dict(offer.fields) for offer in offers(json.dumps(listing).encode())]


def test_the_router_s_models_bring_context_price_and_their_providers():
    (large,) = offers(json.dumps(ROUTER).encode())
    assert large.fields == {
        "model_id": "acme/large",
        "label": "large",
        "context_size": 131072,
        "price": "$0.10 in, $0.50 out per million tokens",
    }
    assert [variant.fields for variant in large.variants] == [
        {
            "model_id": "acme/large:groq",
            "label": "large (groq)",
            "context_size": 131072,
            "price": "$0.60 in, $3.00 out per million tokens",
        },
        {
            "model_id": "acme/large:novita",
            "label": "large (novita)",
            "context_size": 65536,
            "price": "$0.10 in, $0.50 out per million tokens",
        },
    ]


def test_openrouter_tells_names_descriptions_and_prices_by_the_token():
    large, gift = found(OPENROUTER)
    assert (large["label"], large["context_size"]) == ("Acme: Large", 200000)
    assert large["price"] == "$0.15 in, $0.60 out per million tokens"
    assert large["description"].startswith("A model that talks")
    assert large["description"].endswith("talks…")
    assert gift["price"] == "free"


def test_ollama_tells_sizes_and_keeps_little_context_unless_it_is_told_to():
    assert found(OLLAMA) == [
        {"model_id": "llama3.2:latest", "label": "llama3.2", "context_size": 4096, "memory": "2.0 GB"}
    ]


def test_llama_cpp_tells_context_and_size():
    assert found(LLAMA_CPP) == [
        {"model_id": "/m/tiny.gguf", "label": "tiny.gguf", "context_size": 8192, "memory": "1.2 GB"}
    ]


def test_a_bare_list_is_read_too_and_what_does_not_chat_is_left_out():
    (chat,) = found(TOGETHER)
    assert (chat["label"], chat["licence"], chat["price"]) == (
        "A Chat",
        "mit",
        "$0.18 in, $0.18 out per million tokens",
    )
    assert [entry["model_id"] for entry in found(MISTRAL)] == ["open"]


@pytest.mark.parametrize("listing", [ROUTER, OPENROUTER, OLLAMA, LLAMA_CPP, TOGETHER, MISTRAL])
def test_every_offer_fits_into_the_catalogue(listing):
    for offer in offers(json.dumps(listing).encode()):
        for one in (offer, *offer.variants):
            ChatModel(backend="server", **one.fields).clean_fields()


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "a", "providers": "none", "pricing": [], "architecture": 3, "meta": "x", "capabilities": None},
        {"id": "a", "context_length": "many", "pricing": {"prompt": "-1", "completion": "nan"}, "description": 7},
        {"id": "a", "max_model_len": 2**40, "type": 5, "license": ["mit"], "size": "big", "name": None},
        {"id": "a", "providers": [None, {"provider": 5}, {"status": "live"}]},
    ],
)
def test_fields_of_an_unexpected_kind_are_passed_over(entry):
    assert found({"data": [entry]}) == [{"model_id": "a", "label": "a", "context_size": None}]


@pytest.mark.parametrize(
    "entry", [{"id": ""}, {"id": "x" * 201}, {"id": "text-embedding-3-small"}, {"id": "whisper-1"}]
)
def test_what_cannot_be_chosen_is_not_offered(entry):
    assert found({"data": [entry]}) == []


def test_a_model_that_is_listed_twice_is_offered_once():
    assert len(found({"data": [{"id": "a"}, {"id": "a"}]})) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"3", b"[1]", b'{"data": [1]}', b'{"data": 5}', b'{"error": "x"}', b"[" * 100_000]
)
def test_what_is_no_list_of_models_is_told(body):
    with pytest.raises(ValueError, match="no list of models"):
        offers(body)
