"""How a reply ends for its readers: the last blocks, `done`, and the title that may follow."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from conversations import plain_sql
from conversations.backends import get_backend
from conversations.errors import ChatError
from conversations.models import Conversation, Generation
from conversations.outbox import turn_messages
from conversations.presenting import footer_html, message_view
from conversations.rendering import needs_whole, render
from conversations.stores import store_of
from conversations.streaming.executors import in_database
from conversations.streaming.feed import Feed
from conversations.streaming.frames import END, OPENING, Cursor, encode
from conversations.streaming.live_blocks import render_all
from conversations.threads import in_thread
from conversations.types import Delta

logger = logging.getLogger(__name__)

STORING_TIME = 5.0  # seconds; before it asks for a title, the writer lets the store follow


async def complete(feed: Feed, generation_id: UUID, row: Generation | None) -> None:
    """Send the last blocks of a decided reply and `done`. `row` where it is known already. Never raises."""
    try:
        row = row or await _decided(generation_id)
        if row is None:  # deleted meanwhile
            feed.close()
            return
        if row.conversation.is_unread:  # it was written where nobody read it
            await in_database(mark_read, row.conversation_id)
        if title := title_data(row.conversation):
            feed.notice(Delta(metadata=title))
        feed.complete(*await in_thread(_last_words, feed.unsettled, feed.cursor, row))
    except Exception:
        logger.exception("Reply %s could not be shown; its readers come back by themselves", generation_id)
        feed.close()


def _last_words(sources: list[str], seen: Cursor, row: Generation) -> tuple[list[str], dict]:
    """The HTML of the last blocks, and the data of `done`; runs in a thread, because either may be long."""
    done = _done(
        row,
        with_html=seen.characters != len(row.reply_text),
        with_reasoning=seen.thoughts != len(row.reasoning_text),
    )
    return render_all(sources, "")[0], done


async def _decided(generation_id: UUID) -> Generation | None:
    while True:
        try:
            return await in_database(_row, generation_id)
        except Exception as error:  # the database is away
            logger.warning("An outcome could not be read: %s", type(error).__name__)
            await asyncio.sleep(settings.CHAT_POLL_INTERVAL)


def mark_read(conversation_id: UUID) -> None:
    """Its owner has seen what came."""
    plain_sql.update(Conversation, {"id": conversation_id, "is_unread": True}, {"is_unread": False})


def _row(generation_id: UUID) -> Generation | None:
    row = Generation.objects.filter(pk=generation_id).select_related("model", "conversation").first()
    if row and row.conversation.is_temporary:
        _take_text(row)
    return row


def _done(row: Generation, *, with_html: bool = False, with_reasoning: bool = False) -> dict:
    """The data of a `done` frame; html where the blocks alone do not make the whole, reasoning likewise."""
    is_beside = bool(row.lane)  # as far as the row tells; a page that shows it alone hides what that brings
    view = message_view(turn_messages(row)[-1], str(row.conversation_id), is_beside=is_beside, with_html=False)
    data = {"status": row.status, "footer": footer_html(view)}
    if with_html or needs_whole(row.reply_text):
        data["html"] = render(row.reply_text, row.reply_id)
    if with_reasoning:
        data["reasoning"] = row.reasoning_text
    if row.reasoning_text:
        data["ms"] = row.reasoning_ms or 0
    return data


def finished_frames(row: Generation) -> bytes:
    """All that a reader of a finished reply needs, at once. Raises StoreUnavailable for an old one."""
    if not row.reply_text and (row.stored_at or row.conversation.is_temporary):
        _take_text(row)
    title = title_data(row.conversation)
    done = encode("done", _done(row, with_html=True, with_reasoning=True), END)
    return OPENING + done + (encode("title", title) if title else b"")


def _take_text(row: Generation) -> None:
    """What has been left to the store. Raises StoreUnavailable."""
    message = store_of(row.conversation).load(row.conversation.key).index().get(row.reply_id)
    if message is None:
        return
    row.reply_text, row.reasoning_text = message.content, message.metadata.get("reasoning", "")
    row.error = row.error or message.metadata.get("error", "")
    row.sources = message.metadata.get("sources", [])


def title_data(conversation: Conversation) -> dict | None:
    """The data of a `title` frame, once there is a better title than the first words."""
    if conversation.title_source == Conversation.TitleSource.FALLBACK:
        return None
    return {"conversation_id": str(conversation.pk), "title": conversation.title}


def may_be_titled(row: Generation) -> bool:
    """Whether the process that wrote this reply may still be making a title, as far as the row tells.

    Clocks that differ between hosts make a reader wait a little shorter or longer for it, nothing else.
    """
    if row.status != Generation.Status.COMPLETED or row.writer_id is None or title_data(row.conversation):
        return False
    if row.conversation.is_temporary:
        return False
    patience = timedelta(seconds=settings.CHAT_TITLE_TIMEOUT + STORING_TIME)
    return timezone.now() - row.finished_at < patience and _is_language_model(row.backend)


def _is_language_model(alias: str) -> bool:
    try:
        return get_backend(alias).is_language_model
    except ChatError:  # it is not connected any more
        return False
