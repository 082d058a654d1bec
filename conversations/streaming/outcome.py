"""Deciding what became of a reply, once. Synchronous: run in the database's executor.

The decision is one guarded UPDATE. Whoever changes the row has won, and only then is the reply shown
as final; whoever finds the row taken stores nothing.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from copy import copy
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import plain_sql
from conversations.cleaning import clean
from conversations.errors import ChatError
from conversations.models import INSTEAD_OF_MAX_LENGTH, UNSAID, ChatModel, Conversation, Generation, Writer
from conversations.signals import generation_finished
from conversations.stores import store_of
from conversations.streaming import storing
from conversations.streaming.reply import LiveReply, Outcome

logger = logging.getLogger(__name__)
REFUSALS = (DataError, ValueError)  # of a text: by the database, or by its driver, which cannot encode it
UNWRITABLE = "unwritable"


def interrupted() -> Outcome:
    return Outcome(Generation.Status.INTERRUPTED, error_code="interrupted", error=_("The answer was interrupted."))


def unwritable() -> Outcome:
    message = _("The answer could not be kept: the database refused it. Try again.")
    return Outcome(Generation.Status.FAILED, error_code=UNWRITABLE, error=message)


def settle(reply: LiveReply, outcome: Outcome, writer_id: UUID) -> bool:
    """Write how the reply ended if this process still holds it. True if this call decided it.

    Where the store shares the database, the same transaction brings the turn into it, if that goes well.
    Raises one of REFUSALS if the database does not take the text, which an `unwritable` outcome leaves out.
    """
    ending = _ending(outcome, None if outcome.error_code == UNWRITABLE else reply)
    try:
        return _settle(reply, ending, writer_id)
    except IntegrityError:
        if ending.get("model_id") is None:
            raise
    return _settle(reply, ending | {"model_id": None}, writer_id)  # an admin deleted the substitute meanwhile


def _settle(reply: LiveReply, ending: dict[str, Any], writer_id: UUID) -> bool:
    if reply.is_temporary:
        return _settle_unwritten(reply, ending, writer_id)
    may_store = reply.generation is not None and store_of(reply.generation.conversation).shares_database
    mine = {"id": reply.generation_id, "writer_id": writer_id}
    with transaction.atomic() if may_store else nullcontext():
        won = _decide(mine, ending | {"stored_at": ending["finished_at"] if may_store else None})
        if won and reply.generation is not None:
            reply.generation = _decided(reply.generation, ending)
            reply.is_stored = may_store and _store_along(reply.generation)
        if won and not reply.is_read and ending["status"] != Generation.Status.CANCELLED:
            _mark_unread(reply.request.conversation_id)
    return won


def _settle_unwritten(reply: LiveReply, ending: dict[str, Any], writer_id: UUID) -> bool:
    """Of a temporary chat: the text goes to where those are kept, and the row is decided without it.

    In this order, because readers in other processes get the text from there once the row is decided.
    """
    decided = _decided(reply.generation, ending)
    try:
        storing.store(decided)
    except ChatError as error:  # it has ended meanwhile, or is too long; readers in this process have the text
        logger.info("Temporary reply %s was not kept: %s", reply.generation_id, error.code)
    fields = {name: UNSAID.get(name, value) for name, value in ending.items()}
    won = _decide({"id": reply.generation_id, "writer_id": writer_id}, fields | {"stored_at": ending["finished_at"]})
    if won:
        reply.generation, reply.is_stored = decided, True
    return won


def _mark_unread(conversation_id: str) -> None:
    """Before anybody can learn of the outcome: whoever then reads it, through another process, takes the mark away."""
    plain_sql.update(Conversation, {"id": conversation_id, "is_unread": False}, {"is_unread": True})


def _ending(outcome: Outcome, reply: LiveReply | None = None) -> dict[str, Any]:
    """The fields of a decided row, by name; without the reply those of its text are left as they are."""
    fields = {name: clean(getattr(outcome, name)) for name in ("finish_reason", "error_code", "error")}
    fields |= {"status": outcome.status, "finished_at": timezone.now()}
    if reply is None:
        return fields
    fields |= {"reply_text": reply.text, **asdict(reply.usage), "first_token_ms": reply.watch.first_token_ms}
    fields |= {"reasoning_text": reply.thoughts.text, "reasoning_ms": reply.thoughts.milliseconds or None}
    if reply.sources:
        fields["sources"] = reply.sources
    fields |= {"tokens_per_second": reply.watch.tokens_per_second(reply.usage, reply.written)}
    if reply.prompt:  # perhaps less than was accepted: it was too long, or another model answered
        fields["prompt_characters"] = sum(len(message.content) for message in reply.request.messages)
    candidate, asked = reply.candidate, reply.candidates[0]
    if candidate != asked:
        fields |= {"backend": candidate.backend, "upstream_model": candidate.model_id}
        fields |= {"model_id": candidate.pk, "instead_of": asked.label[:INSTEAD_OF_MAX_LENGTH]}
    return fields


def _decided(accepted: Generation, ending: dict[str, Any]) -> Generation:
    """The row as it now is. The accepted one stays as it was: a page may be made of it at this moment."""
    row = copy(accepted)
    for name, value in ending.items():
        setattr(row, name, value)
    if "reply_text" not in ending:  # the last checkpoint stays
        texts = ["reply_text", "reasoning_text"]
        [(row.reply_text, row.reasoning_text)] = plain_sql.select(Generation, texts, {"id": row.pk})
    if row.model_id != accepted.model_id:
        row.model = ChatModel.objects.filter(pk=row.model_id).first()
    return row


def _store_along(row: Generation) -> bool:
    """Within the transaction that decides it. False if the store did not take it: the outbox tries again."""
    try:
        with transaction.atomic():
            storing.store(row)
    except Exception as error:
        logger.info("Turn %s was not stored along: %s", row.pk, type(error).__name__)
        Generation.objects.filter(pk=row.pk).update(stored_at=None)
        return False
    return True


def settle_abandoned(generation_ids: list[UUID]) -> int:
    """Settle replies whose writer is gone or silent; the text of their last checkpoint stays. Returns how many.

    Cancelled where their owner asked to stop them, else interrupted.
    """
    return sum(map(_settle_abandoned, generation_ids))


def _settle_abandoned(generation_id: UUID) -> bool:
    row = {"id": generation_id}
    stopped = _ending(Outcome(Generation.Status.CANCELLED))
    is_decided = _decide(row | {"stop_requested": True}, stopped) or _decide(row, _ending(interrupted()))
    if is_decided:
        for conversation_id, status in plain_sql.select(Generation, ["conversation_id", "status"], row):
            if status != Generation.Status.CANCELLED:
                _mark_unread(conversation_id)
        tell(generation_id)
    return is_decided


def tell(generation_id: UUID) -> None:
    """Send generation_finished, once a reply is decided."""
    for receiver, answer in generation_finished.send_robust(sender=Generation, generation_id=generation_id):
        if isinstance(answer, Exception):
            logger.error("A receiver of generation_finished failed: %r", receiver, exc_info=answer)


def _decide(row: dict[str, Any], fields: dict[str, Any]) -> bool:
    return bool(plain_sql.update(Generation, row | {"status": Generation.Status.IN_PROGRESS}, fields))


def abandoned_by(writers: list[UUID]) -> list[UUID]:
    """The replies in progress that these processes held, or that no known process holds."""
    held = Q(writer_id__in=writers) | Q(writer=None)
    rows = Generation.objects.filter(held, status=Generation.Status.IN_PROGRESS)
    return list(rows.values_list("pk", flat=True))


def settle_stopped(writers: list[UUID]) -> int:
    """Settle what these silent processes were asked to stop and did not. Returns how many."""
    rows = Generation.objects.filter(writer_id__in=writers, status=Generation.Status.IN_PROGRESS, stop_requested=True)
    return settle_abandoned(list(rows.values_list("pk", flat=True)))


def bury(writers: list[UUID]) -> int:
    """Interrupt what dead processes left and forget them. Returns how many replies were interrupted."""
    count = settle_abandoned(abandoned_by(writers))
    if writers:
        Writer.objects.filter(pk__in=writers).delete()
    if count:
        logger.warning("%d replies were interrupted: the process that wrote them is gone", count)
    return count
