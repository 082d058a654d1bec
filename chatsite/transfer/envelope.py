"""A chat as this site exports it: what its row says, and its document as the store keeps it. Nothing is lost.

    {"format": "chatsite.chat", "version": 1, "chat": {…}, "document": {… see conversations/stores/document.py}}

What its owner thought of an answer stands in the metadata of that message: {"feedback": {"thumb": "up", "reason": ""}}.
The same chat makes the same bytes, whenever it is exported.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from conversations.models import Conversation, Persona
from conversations.stores.document import canonical
from conversations.types import Transcript

FORMAT = "chatsite.chat"
VERSION = 1
FEEDBACK = "feedback"  # in the metadata of a message, in exports alone
_encoder = DjangoJSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def envelope(conversation: Conversation, transcript: Transcript) -> str:
    """JSON. `conversation` with its folder, model, persona and feedback."""
    chat = _encoder.encode(_facts(conversation))
    document = canonical(conversation.key, _with_feedback(conversation, transcript))
    return f'{{"format":"{FORMAT}","version":{VERSION},"chat":{chat},"document":{document}}}\n'


def _with_feedback(conversation: Conversation, transcript: Transcript) -> Transcript:
    rows = {row.message_id: row for row in conversation.feedback.all() if row.user_id == conversation.user_id}
    if not rows:
        return transcript
    messages = (
        replace(message, metadata={**message.metadata, FEEDBACK: {"thumb": row.thumb, "reason": row.reason}})
        if (row := rows.get(message.id))
        else message
        for message in transcript.messages
    )
    return replace(transcript, messages=tuple(messages))


def _facts(conversation: Conversation) -> dict[str, Any]:
    model = conversation.model
    return {
        "id": str(conversation.pk),
        "title": conversation.title,
        "title_source": conversation.title_source,
        "created_at": _time(conversation.created_at),
        "updated_at": _time(conversation.updated_at),
        "pinned_at": _time(conversation.pinned_at),
        "archived_at": _time(conversation.archived_at),
        "is_unread": conversation.is_unread,
        "folder": conversation.folder.name if conversation.folder else None,
        "model": {"backend": model.backend, "model_id": model.model_id, "label": model.label} if model else None,
        "persona": _persona(conversation.persona, conversation.user_id),
        "system_prompt": conversation.system_prompt,
        "options": conversation.options,
    }


def _persona(persona: Persona | None, user_id: int) -> dict[str, str] | None:
    """What administrators wrote for everybody stays theirs: people may use it, not read it."""
    if persona is None:
        return None
    return {"name": persona.name, "prompt": persona.prompt if persona.owner_id == user_id else ""}


def _time(moment: datetime | None) -> str | None:
    """With microseconds, which Django's encoder would cut."""
    return moment.isoformat(timespec="microseconds") if moment else None
