"""Attention over texts of different lengths in one batch, and whether a model can be given it.

Everything else in a transformer treats each token alone, so only this has to know which token belongs to whom.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.modeling_utils import AttentionInterface

from conversations.backends.local.worker.cache import JoinedCache, KeyValues, Rows

logger = logging.getLogger("chatsite.local_model")
NAME = "rows"
KNOWN_LAYERS = {"full_attention", "sliding_attention"}
# These change with the longest text of a batch, so that neighbours would change each other's answers.
SHARED_ROPES = {"dynamic", "longrope"}
LIMITS_OF_ROUNDING = {torch.float32: 1e-3}
ROUNDING = 0.05  # of the largest logit, in 16 bits or four


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: Rows,
    value: Rows,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """One new token of each of several texts, or several new tokens of one; `query` is (texts, heads, tokens, size)."""
    if others.get("softcap") is not None or others.get("s_aux") is not None or others.get("position_bias") is not None:
        raise NotImplementedError("This attention has a term that is not known here.")
    key.windows.add(sliding_window)
    if query.shape[2] > 1:
        return _several_tokens(query, key, value, scaling, sliding_window), None
    texts, heads, _, size = query.shape
    out = query.new_empty(texts, 1, heads, size)
    for at in range(texts):
        keys, values = key[at], value[at]
        if sliding_window:
            keys, values = keys[:, -sliding_window:], values[:, -sliding_window:]
        # The heads that share keys stand as queries side by side, so that the keys need not be repeated.
        groups = query[at].view(1, keys.shape[0], -1, size)
        found = scaled_dot_product_attention(groups, keys[None], values[None], scale=scaling)
        out[at] = found.view(1, heads, size)
    return out, None


def _several_tokens(
    query: torch.Tensor, key: Rows, value: Rows, scaling: float | None, window: int | None
) -> torch.Tensor:
    if len(key) != 1:
        raise NotImplementedError("Several tokens of several texts at once.")
    tokens, length = query.shape[2], key[0].shape[1]
    is_first = tokens == length and not (window and window < length)
    mask = None if is_first else _mask(key.masks, tokens, length, window, query.device)
    shares = query.shape[1] != key[0].shape[0]
    found = scaled_dot_product_attention(
        query, key[0][None], value[0][None], attn_mask=mask, is_causal=is_first, scale=scaling, enable_gqa=shares
    )
    return found.transpose(1, 2).contiguous()


def _mask(known: dict[Any, Any], tokens: int, length: int, window: int | None, device: Any) -> torch.Tensor:
    """Which of `length` tokens each of the last `tokens` may see: (tokens, length), true where it may."""
    if window not in known:
        places = torch.arange(length, device=device)
        behind = places[length - tokens :, None] - places[None, :]
        known[window] = (behind >= 0) & (behind < window) if window else behind >= 0
    return known[window]


AttentionInterface.register(NAME, attend)


def reads_rows(model: Any) -> bool:
    """Switch the model to this attention if it then says what it said before; whether it does.

    Some models keep more than keys and values, or compute attention by themselves. They are asked, not known by name.
    """
    before = model.config._attn_implementation
    try:
        with torch.inference_mode():
            if _looks_possible(model) and _says_the_same(model):
                return True
    except Exception as error:  # whatever it is, the model answers one at a time
        logger.info("Replies cannot be joined: %s: %s", type(error).__name__, error)
    model.set_attn_implementation(before)
    return False


def _looks_possible(model: Any) -> bool:
    config = model.config.get_text_config()
    ropes = getattr(config, "rope_parameters", None) or {}
    ropes = [ropes, *(value for value in ropes.values() if isinstance(value, dict))]
    return (
        model._supports_logits_to_keep()
        and set(getattr(config, "layer_types", None) or KNOWN_LAYERS) <= KNOWN_LAYERS
        and not any(rope.get("rope_type") in SHARED_ROPES for rope in ropes)
    )


def _says_the_same(model: Any) -> bool:
    """Two texts of different lengths, read in pieces and then joined, against each read alone."""
    generator = torch.Generator().manual_seed(1)
    most = min(model.config.get_text_config().vocab_size, 1000)
    texts = [torch.randint(0, most, (1, length), generator=generator).to(model.device) for length in (7, 4)]
    expected = [model(text, use_cache=False).logits[0, -1].float() for text in texts]
    model.set_attn_implementation(NAME)
    kept = [KeyValues(), KeyValues()]
    windows: set[int | None] = set()
    for text, ids in ((0, texts[0][:, :3]), (0, texts[0][:, 3:-1]), (1, texts[1][:, :-1])):
        forward(model, ids, [kept[text]], windows)
        kept[text].length += ids.shape[1]
    found = forward(model, torch.cat([text[:, -1:] for text in texts]), kept, windows)
    if _has_windows(model) and not any(windows):
        return False  # its windows are in masks that this attention does not get
    limit = LIMITS_OF_ROUNDING.get(model.dtype, ROUNDING)
    return all(
        (own - other).abs().max() <= limit * max(1.0, float(own.abs().max()))
        for own, other in zip(expected, found, strict=True)
    )


def _has_windows(model: Any) -> bool:
    config = model.config.get_text_config()
    types = getattr(config, "layer_types", None)
    if types:
        return "sliding_attention" in types
    return bool(getattr(config, "sliding_window", None)) and getattr(config, "use_sliding_window", True)


def forward(
    model: Any, ids: torch.Tensor, texts: list[KeyValues], windows: set[int | None] | None = None, **options: Any
) -> torch.Tensor:
    """Feed (texts, tokens), each remembered in its own; the logits after the last of each: (texts, vocabulary).

    `windows` collects the sliding windows that were met. The lengths of `texts` are left to the caller.
    """
    starts = torch.tensor([[text.length] for text in texts])
    positions = (starts + torch.arange(ids.shape[1])).to(ids.device)
    cache = JoinedCache(texts, windows)
    found = model(
        input_ids=ids, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1, **options
    )
    return found.logits[:, -1].float()
