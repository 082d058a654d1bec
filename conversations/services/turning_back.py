"""Turning back: the last exchange is taken back, or the whole chat is cleared. Nothing is deleted by either.

What followed stays in the document, out of the branch that is shown; so no prompt remembers it, and `select` brings it
back.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from conversations.errors import ConversationBusy, InputError
from conversations.models import Conversation, Generation
from conversations.stores import store_of
from conversations.streaming import storing
from conversations.types import Message, Transcript

ASIDE = "set_aside"  # a field of the document: the ids of what followed where the end was moved back to


def take_back(conversation: Conversation, message_id: str) -> Message:
    """Show the branch as it was before its last question, and return that question.

    `message_id` is the question, or an answer to it: what the page showed last. Raises InputError if the chat ends
    otherwise by now, ConversationBusy while an answer is being written, ConflictError, StoreUnavailable.
    """
    _let_the_store_follow(conversation)
    taken: list[Message] = []

    def before(transcript: Transcript) -> Transcript:
        question = _last_question(transcript, message_id)
        taken[:] = [question]
        return _shown_again(transcript, question.parent_id)

    store_of(conversation).update(conversation.key, before)
    if not taken:  # it was deleted meanwhile, or the store lost it
        raise _changed()
    return taken[0]


def clear(conversation: Conversation) -> None:
    """Show nothing: the next message begins anew, after the system prompt alone. Raises as `take_back`."""
    _let_the_store_follow(conversation)
    store_of(conversation).update(conversation.key, lambda transcript: _shown_again(transcript, None))


def is_behind(transcript: Transcript, message_id: str) -> bool:
    """Whether this message was taken back or cleared and is not shown: a page that shows it is from before.

    Whatever else stands beside what is shown, as when two tabs went on from one message, is a version like any other.
    """
    gone = _aside(transcript) - {message.id for message in transcript.branch()}
    return bool(gone) and any(message.id in gone for message in transcript.branch(message_id))


def check_is_remembered(transcript: Transcript, message_id: str) -> None:
    """Raises InputError for what was taken back or cleared: to ask it again would bring its memory back unnoticed."""
    if is_behind(transcript, message_id):
        raise InputError(
            _(
                "This was taken back or cleared meanwhile, and nothing of it is remembered. "
                "Reload the page, then bring it back or write a new message."
            )
        )


def brought_back(transcript: Transcript) -> Transcript:
    """What is shown counts as taken back no more."""
    shown = {message.id for message in transcript.branch()}
    return _with_aside(transcript, _aside(transcript) - shown) if _aside(transcript) & shown else transcript


def _shown_again(transcript: Transcript, leaf: str | None) -> Transcript:
    """The end moved back to here. What followed is marked, since nothing else tells it from a version."""
    following = {message.id for message in transcript.messages if message.parent_id == leaf}
    return _with_aside(replace(transcript, leaf=leaf), _aside(transcript) | following)


def _aside(transcript: Transcript) -> set[str]:
    marked = transcript.extra.get(ASIDE)
    return {one for one in marked if isinstance(one, str)} if isinstance(marked, list) else set()


def _with_aside(transcript: Transcript, ids: set[str]) -> Transcript:
    return replace(transcript, extra={**transcript.extra, ASIDE: sorted(ids)})


def later(transcript: Transcript) -> str:
    """The id of what followed the end that is shown, until it was taken back or cleared; else nothing.

    Answers that stand side by side below the end are shown, and follow nothing.
    """
    if transcript.leaf and transcript.lanes(transcript.leaf):
        return ""
    following = [message.id for message in transcript.messages if message.parent_id == transcript.leaf]
    return following[-1] if following else ""


def _last_question(transcript: Transcript, message_id: str) -> Message:
    questions = [message for message in transcript.branch() if message.role == "user"]
    known = transcript.index().get(message_id)
    if known is None or not questions or questions[-1].id not in (known.id, known.parent_id):
        raise _changed()
    return questions[-1]


def _changed() -> InputError:
    return InputError(_("This chat has changed meanwhile. Reload the page to see it as it is now."))


def _let_the_store_follow(conversation: Conversation) -> None:
    """A turn that the store gets only later would show its own branch again."""
    rows = Generation.objects.filter(conversation_id=conversation.pk, stored_at=None)
    for generation_id, status in rows.order_by("created_at").values_list("pk", "status"):
        if status == Generation.Status.IN_PROGRESS:
            raise ConversationBusy(_("An answer is still being written in this chat. Stop it first, or wait for it."))
        storing.store_turn(generation_id)
