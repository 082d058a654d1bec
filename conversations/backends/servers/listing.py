"""What a server answers to GET /models, as offers for the catalogue.

Read from the answers of OpenAI, Hugging Face's router, OpenRouter, Together, Mistral, Groq, DeepInfra, vLLM, TGI,
llama.cpp, `transformers serve`, LiteLLM and Ollama (/v1/models, /api/tags).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conversations.backends.offers import Offer
from conversations.backends.servers.prices import price_of

_NOT_FOR_CHAT = re.compile(
    r"embed|whisper|tts|dall-e|moderation|image|audio|realtime|transcribe|rerank|sora|davinci|babbage", re.IGNORECASE
)
_KINDS_FOR_CHAT = {"", "model", "chat", "language", "llm", "text-generation", "base"}
LONGEST_DESCRIPTION = 300
LONGEST_LABEL = 100
GIGABYTE = 1_000_000_000
OLLAMA_CONTEXT = 4_096
"""Tokens that Ollama keeps of a conversation unless it is told otherwise (OLLAMA_CONTEXT_LENGTH)."""


def offers(body: bytes) -> list[Offer]:
    """The models that chat. Raises ValueError for what is no list of models."""
    try:
        listing = json.loads(body)
        is_ollama = isinstance(listing, dict) and "data" not in listing
        entries = listing if isinstance(listing, list) else listing["models" if is_ollama else "data"]
        return list(_unique(_offers_of(entries or [], is_ollama=is_ollama)))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError("no list of models") from error


def label_of(model_id: str) -> str:
    """`meta-llama/Llama-3.1-8B-Instruct` → `Llama-3.1-8B-Instruct`; `llama3.2:latest` → `llama3.2`."""
    return (model_id.rsplit("/", 1)[-1].removesuffix(":latest") or model_id)[:LONGEST_LABEL]


def _offers_of(entries: Iterable[Any], *, is_ollama: bool) -> Iterator[Offer]:
    for entry in entries:
        model_id = str(entry.get("id") or entry.get("name") or entry.get("model") or "")
        if model_id and len(model_id) <= 200 and _is_for_chat(model_id, entry):
            yield _offer(model_id, entry, is_ollama=is_ollama)


def _unique(found: Iterable[Offer]) -> Iterable[Offer]:
    return {offer.model_id: offer for offer in found}.values()


def _is_for_chat(model_id: str, entry: Mapping[str, Any]) -> bool:
    if _NOT_FOR_CHAT.search(model_id):
        return False
    outputs = _mapping(entry.get("architecture")).get("output_modalities")
    if isinstance(outputs, list) and outputs and "text" not in outputs:
        return False
    kind = entry.get("type") or ""
    is_told = isinstance(kind, str) and kind.lower() not in _KINDS_FOR_CHAT
    return not is_told and _mapping(entry.get("capabilities")).get("completion_chat") is not False


def _offer(model_id: str, entry: Mapping[str, Any], *, is_ollama: bool) -> Offer:
    providers = [provider for provider in entry.get("providers") or () if isinstance(provider, Mapping)]
    live = [provider for provider in providers if provider.get("status") in (None, "live")]
    known = {
        "description": _sentence(entry.get("description")),
        "price": price_of(entry, live),
        "licence": _text(entry.get("license"), 100),
        "memory": _memory(entry),
    }
    size = _context_size(entry, live) or (OLLAMA_CONTEXT if is_ollama else None)
    fields = {"model_id": model_id, "label": _label(model_id, entry), "context_size": size}
    fields |= {name: value for name, value in known.items() if value}
    return Offer(fields, tuple(_variants(fields, live)))


def _variants(fields: Mapping[str, Any], providers: Iterable[Mapping[str, Any]]) -> Iterator[Offer]:
    for provider in providers:
        if name := _text(provider.get("provider"), 50):
            own = {
                "model_id": f"{fields['model_id']}:{name}",
                "label": f"{fields['label']} ({name})"[:LONGEST_LABEL],
                "context_size": _context_size(provider, ()) or fields["context_size"],
                "price": price_of(provider, ()),
            }
            yield Offer({**fields, **own})


def _label(model_id: str, entry: Mapping[str, Any]) -> str:
    """Some servers have names for people beside their ids; Ollama's `name` is the id."""
    told = _text(entry.get("display_name"), LONGEST_LABEL)
    name = _text(entry.get("name"), LONGEST_LABEL) if entry.get("id") else ""
    return told or (name if " " in name else label_of(model_id))


def _context_size(entry: Mapping[str, Any], providers: Iterable[Mapping[str, Any]]) -> int | None:
    """In tokens: the most that any of them allows."""
    meta, details = _mapping(entry.get("meta")), _mapping(entry.get("metadata"))
    sizes = [entry.get(name) for name in ("max_model_len", "context_length", "context_window", "max_context_length")]
    sizes += [meta.get("n_ctx"), meta.get("n_ctx_train"), details.get("context_length")]
    sizes += [provider.get("context_length") for provider in providers]
    return max((size for size in sizes if isinstance(size, int) and 0 < size < 2**31), default=None)


def _memory(entry: Mapping[str, Any]) -> str:
    """Of models on one's own machine, the size of their weights: Ollama and llama.cpp tell it, in bytes."""
    size = entry.get("size") or _mapping(entry.get("meta")).get("size")
    return f"{size / GIGABYTE:.1f} GB" if isinstance(size, int) and size > GIGABYTE / 20 else ""


def _sentence(text: Any) -> str:
    text = " ".join(text.split()) if isinstance(text, str) else ""
    return text if len(text) <= LONGEST_DESCRIPTION else text[: LONGEST_DESCRIPTION - 1].rsplit(" ", 1)[0] + "…"


def _text(value: Any, longest: int) -> str:
    return value.strip()[:longest] if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
