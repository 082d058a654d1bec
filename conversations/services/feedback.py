"""What people think of answers: a thumb, and why. Administrators see both, with the model, and nothing of the chat."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import InputError
from conversations.models import REASON_MAX_LENGTH, ChatModel, Conversation, Feedback
from conversations.services.conversations import read
from conversations.types import Message, Transcript


def feedback_on(conversation: Conversation) -> dict[str, Feedback]:
    """By the id of the answer. One query, however many there are."""
    rows = Feedback.objects.filter(conversation_id=conversation.pk, user_id=conversation.user_id)
    return {row.message_id: row for row in rows}


def rate(conversation: Conversation, message_id: str, value: int) -> Feedback:
    """A thumb for an answer. Another thumb than before takes the reason away, which was given for that one.

    Raises InputError for no such answer, StoreUnavailable.
    """
    answer = _answer(conversation, message_id)
    if value not in Feedback.Value:
        raise InputError(_("Choose one of the two thumbs."))
    wrote = _writer_of(answer)
    row, is_new = Feedback.objects.get_or_create(**_place(conversation, message_id), defaults={"value": value, **wrote})
    if not is_new and row.value != value:
        row.value, row.reason = value, ""
        row.save(update_fields=["value", "reason"])
    return row


def explain(conversation: Conversation, message_id: str, reason: str) -> Feedback:
    """Why an answer got its thumb; blank takes the reason away. Raises InputError without a thumb, or if it is long."""
    reason = " ".join(clean(reason).split())
    if len(reason) > REASON_MAX_LENGTH:
        raise InputError(_("A reason may have at most {limit} characters.").format(limit=REASON_MAX_LENGTH))
    row = Feedback.objects.filter(**_place(conversation, message_id)).first()
    if row is None:
        raise InputError(_("This answer has no thumb yet. Choose one first."))
    row.reason = reason
    row.save(update_fields=["reason"])
    return row


def unrate(conversation: Conversation, message_id: str) -> None:
    """Take the thumb back, with its reason."""
    Feedback.objects.filter(**_place(conversation, message_id)).delete()


def take_in(conversation: Conversation, transcript: Transcript, thumbs: Mapping[str, tuple[int, str]]) -> None:
    """Thumbs that were given elsewhere, or here before, with their reasons; for answers of this transcript alone."""
    index = transcript.index() if thumbs else {}
    writers: dict[tuple, dict] = {}
    rows = []
    for message_id, (value, reason) in thumbs.items():
        answer = index.get(message_id)
        if answer is None or answer.role != "assistant":
            continue
        by = (answer.metadata.get("backend", ""), answer.metadata.get("model", ""))
        wrote = writers.get(by) or writers.setdefault(by, _writer_of(answer))
        rows.append(Feedback(**_place(conversation, message_id), value=value, reason=reason, **wrote))
    Feedback.objects.bulk_create(rows, ignore_conflicts=True)


def _place(conversation: Conversation, message_id: str) -> dict:
    return {"user_id": conversation.user_id, "conversation_id": conversation.pk, "message_id": message_id}


def _answer(conversation: Conversation, message_id: str) -> Message:
    answer = read(conversation).index().get(message_id)
    if answer is None or answer.role != "assistant":
        raise InputError(_("There is no such answer in this chat any more. Reload the page."))
    return answer


def _writer_of(answer: Message) -> dict:
    backend, model_id = answer.metadata.get("backend", ""), answer.metadata.get("model", "")
    entry = ChatModel.objects.filter(backend=backend, model_id=model_id).first()
    return {"model": entry, "backend": backend[:50], "upstream_model": model_id[:200]}
