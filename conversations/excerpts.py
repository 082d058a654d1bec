"""The messages of a chat that a page begins with, and those that come into it later. Only they are rendered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from conversations import services
from conversations.errors import NotFound
from conversations.models import Conversation
from conversations.parts import Between, Wanted, filling, gaps, newest, shown_first, spoken
from conversations.presenting import MessageView, message_views
from conversations.types import Transcript

A_TURN = 3  # the question, its answer, and the answer before them


def showing(transcript: Transcript, at: str) -> Transcript:
    """With a branch shown that has this message, if there is one. Nobody has chosen it by that."""
    if at not in transcript.index() or any(message.id == at for message in transcript.branch()):
        return transcript
    return replace(transcript, leaf=transcript.end_below(at))


def first_views(transcript: Transcript, conversation: Conversation, wanted: Wanted) -> list[MessageView]:
    """The end of the branch that is shown, and what is wanted besides."""
    choice = shown_first(spoken(transcript.branch()), wanted)
    return message_views(transcript, str(conversation.pk), choice=choice)


def newest_views(transcript: Transcript, conversation: Conversation, leaf: str) -> list[MessageView]:
    """The turn that ends there, with the answer before it."""
    choice = newest(spoken(transcript.branch(leaf)), A_TURN)
    return message_views(transcript, str(conversation.pk), leaf, choice)


def with_thumbs(conversation: Conversation, views: list[MessageView]) -> list[MessageView]:
    """With what their reader thought of them: one query."""
    given = services.feedback_on(conversation)
    return [replace(view, thumb=given[view.id].thumb) if view.id in given else view for view in views]


def part_context(conversation: Conversation, gap: Between) -> dict[str, Any]:
    """What comes into a gap of a page. Raises NotFound if it is none, StoreUnavailable."""
    transcript = services.read(conversation)
    said = spoken(transcript.branch(gap.before))
    choice = filling(said, gap)
    if choice is None:
        raise NotFound(_("This message does not exist any more. Load the page again."))
    views = with_thumbs(conversation, message_views(transcript, str(conversation.pk), gap.before, choice))
    below = gaps(said, choice)[-1]
    return {"conversation": conversation, "messages": views, "below": below if below.count else None}
