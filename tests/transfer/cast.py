"""Chats to export, and what stores hold of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from conversations.models import Conversation
from conversations.stores import get_store
from conversations.types import Message, Transcript

BEGAN = datetime(2025, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)


def said(user, *texts: str, title: str = "A chat", **fields) -> Conversation:
    """A chat of questions and answers by turns, with times of its own."""
    conversation = Conversation(user=user, title=title, **fields)
    messages, parent = [], None
    for number, text in enumerate(texts):
        message = Message(
            "assistant" if number % 2 else "user",
            text,
            id=uuid.uuid4().hex,
            parent_id=parent,
            created_at=BEGAN + timedelta(minutes=number),
            metadata={"label": "Tiny", "model": "tiny"} if number % 2 else {},
        )
        messages.append(message)
        parent = message.id
    return keep(conversation, Transcript(tuple(messages), parent))


def keep(conversation: Conversation, transcript: Transcript) -> Conversation:
    stored = get_store().save(conversation.key, transcript)
    conversation.message_count, conversation.size = len(stored.messages), stored.size
    conversation.save(force_insert=True)
    Conversation.objects.filter(pk=conversation.pk).update(created_at=BEGAN, updated_at=BEGAN + timedelta(days=1))
    conversation.refresh_from_db()
    return conversation
