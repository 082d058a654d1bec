"""What an accepted turn says, as messages: the form in which the store and the pages know it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conversations.models import Generation
from conversations.types import Message, Transcript


def turn_messages(generation: Generation) -> tuple[Message, ...]:
    """The person's message (unless it was there before) and the reply, under the ids fixed in the row."""
    reply = Message(
        "assistant",
        generation.reply_text,
        id=generation.reply_id,
        parent_id=generation.user_message_id,
        created_at=generation.finished_at or generation.created_at,
        metadata=_reply_metadata(generation),
    )
    if generation.is_regeneration:
        return (reply,)
    return (
        Message(
            "user",
            generation.user_text,
            id=generation.user_message_id,
            parent_id=generation.parent_id or None,
            created_at=generation.created_at,
        ),
        reply,
    )


def laid_over(transcript: Transcript, generation: Generation) -> Transcript:
    """The transcript with this turn in it. A turn shows its own branch, unless a later one follows it already.

    What the store got late (its writer was gone, the store was away) does not hide what ended after it. Replies that
    are compared stand below their question, which is the end that is shown until one of them is kept or followed.
    """
    messages = turn_messages(generation)
    longer = transcript.with_messages(*messages)
    if longer is transcript:
        return longer
    if generation.lane:
        end, leaf = generation.user_message_id, transcript.leaf
    else:
        end, leaf = generation.reply_id, longer.leaf
    if leaf and any(message.id == end for message in longer.branch(leaf)):
        return replace(longer, leaf=leaf)
    shown = longer.index().get(longer.leaf or "")
    if shown and not generation.is_live and shown.created_at > messages[-1].created_at:
        return longer
    return replace(longer, leaf=end)


def _reply_metadata(generation: Generation) -> dict[str, Any]:
    known = {
        "status": generation.status,
        "generation": str(generation.pk),
        "backend": generation.backend,
        "model": generation.upstream_model,
        "label": generation.model.label if generation.model else generation.upstream_model,
        "instead_of": generation.instead_of,
        "continues": generation.continues,
        "lane": generation.lane or None,
        "finish_reason": generation.finish_reason,
        "error_code": generation.error_code,
        "error": generation.error,
        "prompt_tokens": generation.prompt_tokens,
        "completion_tokens": generation.completion_tokens,
        "reasoning": generation.reasoning_text,
        "reasoning_ms": generation.reasoning_ms,
        "sources": generation.sources,
        "options": generation.options,
        "first_token_ms": generation.first_token_ms,
        "tokens_per_second": _rounded(generation.tokens_per_second),
        "duration_ms": _milliseconds(generation),
    }
    return {name: value for name, value in known.items() if value not in ("", None, {}, [])}


def _milliseconds(generation: Generation) -> int | None:
    """From accepting the turn to the end of its reply."""
    if generation.finished_at is None:
        return None
    return round((generation.finished_at - generation.created_at).total_seconds() * 1000)


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)
