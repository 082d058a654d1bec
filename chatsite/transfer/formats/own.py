"""This site's own export: see envelope.py. What did not change comes back byte for byte."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from chatsite.transfer.envelope import FEEDBACK, FORMAT, VERSION
from chatsite.transfer.formats.found import Found, space_of
from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.reading import line, mapping, moment, text
from conversations.errors import CorruptDocument
from conversations.models import REASON_MAX_LENGTH, Conversation, Feedback
from conversations.services import Arrival
from conversations.stores.document import of_data
from conversations.types import Key, Message, Transcript

SOURCE = "chatsite"
ROLES = {"system", "user", "assistant", "tool"}
STATUSES = {"completed", "cancelled", "failed", "interrupted"}
THUMBS = {"up": Feedback.Value.UP, "down": Feedback.Value.DOWN}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# What pages count with. Anything else in the metadata is kept, and never looked at.
TEXTS = ("backend", "continues", "error", "error_code", "finish_reason", "generation", "instead_of", "label", "model")
NUMBERS = ("completion_tokens", "duration_ms", "first_token_ms", "lane", "prompt_tokens", "reasoning_ms")


def recognizes(data: dict[str, Any]) -> bool:
    return data.get("format") == FORMAT


def read(data: dict[str, Any], user_id: int) -> Found:
    if data.get("version") != VERSION:
        raise ChatRefused(
            _("It was exported by a newer version of this site. Ask an administrator to update this one.")
        )
    facts = mapping(data.get("chat"))
    try:
        original = UUID(text(facts.get("id")))
        transcript = of_data(data.get("document"), Key(str(user_id), str(original)))
    except (ValueError, CorruptDocument):
        raise ChatRefused(_("It is damaged: something of it is missing, or was changed by hand.")) from None
    _check(transcript)
    return Found(SOURCE, _arrival(facts, original, _settled(transcript), user_id))


def _arrival(facts: dict[str, Any], original: UUID, transcript: Transcript, user_id: int) -> Arrival:
    ends = [message.created_at for message in transcript.messages]
    created_at = moment(facts.get("created_at")) or min(ends, default=None)
    updated_at = moment(facts.get("updated_at")) or max(ends, default=None) or created_at
    if created_at is None or updated_at is None:
        raise ChatRefused(_("It is damaged: something of it is missing, or was changed by hand."))
    model, persona = mapping(facts.get("model")), mapping(facts.get("persona"))
    source = text(facts.get("title_source"))
    thumbs = _thumbs(transcript)
    return Arrival(
        ids=(original, space_of(user_id, SOURCE, str(original))),
        title=text(facts.get("title")),
        transcript=_without_thumbs(transcript, thumbs),
        thumbs=thumbs,
        created_at=created_at,
        updated_at=updated_at,
        title_source=source if source in Conversation.TitleSource.values else Conversation.TitleSource.USER,
        pinned_at=moment(facts.get("pinned_at")),
        archived_at=moment(facts.get("archived_at")),
        is_unread=facts.get("is_unread") is True,
        folder=text(facts.get("folder")),
        model=(text(model.get("backend")), text(model.get("model_id"))) if model else None,
        persona=(text(persona.get("name")), text(persona.get("prompt"))) if persona else None,
        system_prompt=text(facts.get("system_prompt")),
        options={
            name: value
            for name, value in mapping(facts.get("options")).items()
            if isinstance(value, str | int | float | bool)
        },
    )


def _thumbs(transcript: Transcript) -> dict[str, tuple[int, str]]:
    """What its owner thought of the answers, by the ids of those."""
    found = {}
    for message in transcript.messages:
        said = mapping(message.metadata.get(FEEDBACK)) if message.role == "assistant" else {}
        if value := THUMBS.get(text(said.get("thumb"))):
            found[message.id] = (value, line(said.get("reason"))[:REASON_MAX_LENGTH])
    return found


def _without_thumbs(transcript: Transcript, thumbs: dict[str, tuple[int, str]]) -> Transcript:
    """They have a table of their own here."""
    messages = (
        replace(message, metadata={name: value for name, value in message.metadata.items() if name != FEEDBACK})
        if message.id in thumbs
        else message
        for message in transcript.messages
    )
    return replace(transcript, messages=tuple(messages)) if thumbs else transcript


def _check(transcript: Transcript) -> None:
    """Raises ChatRefused for a tree or metadata with which no page could be made."""
    ids = {message.id for message in transcript.messages}
    if len(ids) < len(transcript.messages) or not all(_is_sound(message) for message in transcript.messages):
        raise ChatRefused(_("It is damaged: something of it is missing, or was changed by hand."))


def _is_sound(message: Message) -> bool:
    data = message.metadata
    return (
        message.role in ROLES
        and bool(_ID.fullmatch(message.id))
        and (message.parent_id is None or bool(_ID.fullmatch(message.parent_id)))
        and message.parent_id != message.id
        and isinstance(data.get("reasoning", ""), str)
        and all(isinstance(data.get(name, ""), str) for name in TEXTS)
        and all(_is_count(data.get(name, 0)) for name in NUMBERS)
        and isinstance(data.get("tokens_per_second", 0.0), int | float)
        and isinstance(status := data.get("status", "completed"), str)
        and status in STATUSES | {"in_progress"}
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _settled(transcript: Transcript) -> Transcript:
    """A reply that was being written when it was exported is written by nobody now. A leaf must be there."""
    messages = tuple(
        replace(message, metadata={**message.metadata, "status": "interrupted"})
        if message.metadata.get("status") == "in_progress"
        else message
        for message in transcript.messages
    )
    ids = {message.id for message in messages}
    leaf = transcript.leaf if transcript.leaf in ids else None
    return replace(transcript, messages=messages, leaf=leaf)
