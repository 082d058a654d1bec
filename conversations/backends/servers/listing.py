"""What a server answers to GET /models, as entries of the catalogue."""

from __future__ import annotations

import json
import re
from typing import Any

_NOT_FOR_CHAT = re.compile(
    r"embed|whisper|tts|dall-e|moderation|image|audio|realtime|transcribe|rerank|sora|davinci|babbage", re.IGNORECASE
)


def catalogue(body: bytes) -> list[dict[str, Any]]:
    """Dicts of ChatModel fields for the models that chat, from the shapes of OpenAI, vLLM, OpenRouter and Hugging Face.

    Raises ValueError for anything else.
    """
    try:
        listing = json.loads(body)
        entries = listing.get("data") or listing.get("models") or []
        names = [(str(entry.get("id") or entry.get("name") or ""), entry) for entry in entries]
        return [_entry(name, entry) for name, entry in names if name and not _NOT_FOR_CHAT.search(name)]
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError("no list of models") from error


def label_of(model_id: str) -> str:
    """`meta-llama/Llama-3.1-8B-Instruct` → `Llama-3.1-8B-Instruct`; `llama3.2:latest` → `llama3.2`."""
    return (model_id.rsplit("/", 1)[-1].removesuffix(":latest") or model_id)[:100]


def _entry(model_id: str, entry: dict[str, Any]) -> dict[str, Any]:
    sizes = [entry.get("max_model_len"), entry.get("context_length")]
    sizes += [provider.get("context_length") for provider in entry.get("providers") or ()]
    known = [size for size in sizes if isinstance(size, int) and size > 0]
    return {"model_id": model_id, "label": label_of(model_id), "context_size": max(known, default=None)}
