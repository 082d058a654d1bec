"""What the pages show: sidebar, composer, messages. Built by synchronous code, in a thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from conversations import services
from conversations.backends import has_language_model
from conversations.comparisons import Comparison, comparison
from conversations.composing import Composer, composer
from conversations.errors import NotFound
from conversations.examples import get_examples
from conversations.excerpts import first_views, newest_views, showing, with_thumbs
from conversations.models import Conversation, Folder, Generation
from conversations.outbox import laid_over
from conversations.parts import Wanted
from conversations.presenting import MessageView
from conversations.sidebar import sidebar
from conversations.types import Transcript

LATEST = Wanted()
UNREAD = "unread"  # a parent that no chat has: whoever answers it is asked to load the page again


def page_context(user, conversation: Conversation | None, folder: Folder | None = None) -> dict[str, Any]:
    """What every page with a sidebar needs."""
    return {"sidebar": sidebar(user, conversation, folder), "conversation": conversation}


def chat_context(
    user, conversation: Conversation | None, fresh: Conversation | None = None, wanted: Wanted = LATEST
) -> dict[str, Any]:
    """A conversation, or a new chat: `fresh` has its settings. `lacks` tells why earlier messages are missing.

    Of a long conversation the page has the end, and what is wanted besides.
    """
    transcript, lacks = services.read_what_is_there(conversation) if conversation else (Transcript(), None)
    transcript = showing(transcript, wanted.at)
    views = first_views(transcript, conversation, wanted) if conversation else []
    compared = comparison(transcript, str(conversation.pk)) if conversation else None
    if conversation:
        views, compared = _with_thumbs(conversation, views, compared)
    live = next((view.generation_id for view in reversed(views) if view.is_live), "")
    if lacks and not transcript.leaf:
        transcript = replace(transcript, leaf=UNREAD)
    chosen = composer(conversation or fresh, transcript, live_generation_id=live, compared=compared)
    return page_context(user, conversation) | {
        "messages": views,
        "comparison": compared,
        "lacks": lacks,
        "later": "" if lacks else services.later(transcript),
        "composer": chosen,
        "memory": None if lacks else memory(conversation, chosen, transcript),
        "examples": [] if views or lacks else get_examples().prompts(),
        "show_connect_notice": user.is_staff and not has_language_model(),
        "greeting_name": user.get_full_name(),
        "is_whole": wanted.is_whole,
        "is_at_end": not wanted.is_whole and not any(view.gap and view.gap.after for view in views),
    }


def _with_thumbs(
    conversation: Conversation, views: list[MessageView], compared: Comparison | None
) -> tuple[list[MessageView], Comparison | None]:
    columns = compared.columns if compared else ()
    rated = with_thumbs(conversation, [*views, *columns])
    count = len(views)
    return rated[:count], compared and replace(compared, columns=tuple(rated[count:]))


def memory(conversation: Conversation | None, shown: Composer, transcript: Transcript) -> services.Fullness | None:
    """What a message written in this composer would take along."""
    if conversation is None or shown.model is None:
        return None
    return services.fullness(conversation, shown.model, transcript.branch(shown.parent_id or None))


def memory_context(conversation: Conversation, model: int | None, leaf: str) -> dict[str, Any]:
    """The same on its own: with the chosen model, after the message that the page ends with; both if they are known."""
    transcript, lacks = services.read_what_is_there(conversation)
    shown = composer(conversation, transcript, compared=comparison(transcript, str(conversation.pk)))
    chosen = next((one for one in shown.models if one.pk == model), shown.model)
    end = leaf if leaf in transcript.index() else shown.parent_id
    found = None if lacks else memory(conversation, replace(shown, model=chosen, parent_id=end), transcript)
    return {"conversation": conversation, "memory": found}


def _accepted(generations: tuple[Generation, ...]) -> tuple[Conversation, Transcript]:
    """What the turn belongs to, with it; read only if it was accepted at another time, or elsewhere."""
    first = generations[0]
    if first.before is not None:
        return first.conversation, reduce(laid_over, generations, first.before)
    conversation = services.by_id(first.user, first.conversation_id, temporary=True)
    return conversation, services.read_what_is_there(conversation)[0]  # it was accepted, whatever the store says now


def turn_context(
    generations: tuple[Generation, ...], *, is_retry: bool, followed_up: Collection[UUID]
) -> dict[str, Any]:
    """The turn that was just accepted, of several generations if models are compared, and the composer for the next.

    `followed_up`: those for which something may still come, be it only a title. Raises NotFound if the conversation
    was deleted in the same moment.
    """
    first = generations[0]
    conversation, transcript = _accepted(generations)
    context = {
        "conversation": conversation,
        "is_new": first.parent_id == "" and not is_retry,
        "current_id": conversation.pk,
    }
    watched = {generation.reply_id: str(generation.pk) for generation in generations if generation.pk in followed_up}
    if first.lane and (compared := comparison(transcript, str(conversation.pk), first.user_message_id)):
        return context | _compared_turn(conversation, transcript, compared, first, is_retry, watched)
    views = newest_views(transcript, conversation, first.reply_id)
    if not views:
        raise NotFound(_("This chat does not exist."))
    reply = replace(views[-1], generation_id=watched.get(first.reply_id, views[-1].generation_id))
    live = reply.generation_id if reply.is_live else ""
    following = replace(composer(conversation, transcript, live_generation_id=live), parent_id=reply.id)
    return context | {
        "user_message": None if is_retry else views[-2],
        "kept": None if is_retry else _kept(views),
        "reply": reply,
        "composer": following,
        "memory": memory(conversation, following, transcript),
    }


def _compared_turn(
    conversation: Conversation,
    transcript: Transcript,
    compared: Comparison,
    first: Generation,
    is_retry: bool,
    watched: Mapping[str, str],
) -> dict[str, Any]:
    """All columns of a comparison that begins; of one in which a model is asked again, its column."""
    columns = [replace(view, generation_id=watched.get(view.id, view.generation_id)) for view in compared.columns]
    views = newest_views(transcript, conversation, first.user_message_id)
    own = next((view for view in columns if view.id == first.reply_id), None)
    if not views or own is None:
        raise NotFound(_("This chat does not exist."))
    following = composer(conversation, transcript, compared=compared)
    return {
        "user_message": None if is_retry else views[-1],
        "kept": None if is_retry else _kept(views),
        "reply": own if is_retry else None,
        "comparison": None if is_retry else replace(compared, columns=tuple(columns)),
        "composer": following,
        "memory": memory(conversation, following, transcript),
    }


def _kept(views: list[MessageView]) -> MessageView | None:
    """The answer that this turn goes on from, if it stood beside others until now."""
    before = next((view for view in reversed(views[:-1]) if view.role == "assistant"), None)
    return before if before and before.lane else None
