"""The one transaction that accepts a turn. Synchronous: runs in the database executor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import plain_sql, titles
from conversations.errors import ConversationBusy, InputError, KeyReused, NotFound, QuotaExceeded
from conversations.models import TITLE_MAX_LENGTH, ChatModel, Conversation, Generation, Persona, Writer
from conversations.services.replaying import replay, replay_all
from conversations.sources import Source
from conversations.stores import store_of
from conversations.streaming import clock, storing
from conversations.streaming.executors import answer_by, check_time
from conversations.types import Transcript, new_id


@dataclass(frozen=True, slots=True)
class Draft:
    """A turn that is asked for. `text` is what the person said, also when an answer is asked for again.

    `transcript` is what was said before. `continues` is the id of a reply, and `prefix` its text, with which the new
    one begins; `thoughts` what was thought before it, `thought_for` in how many milliseconds, and `sources` what it
    rests on. After `answer_by` (executors.py) whoever asked has been told that it failed. `lane` counts, from one, the
    models that answer the same message side by side; it is 0 without comparing.
    """

    conversation: Conversation
    model: ChatModel
    user_message_id: str
    text: str
    parent_id: str
    options: dict[str, Any]
    key: str
    body_hash: str
    transcript: Transcript = field(default_factory=Transcript)
    is_new_message: bool = False
    continues: str = ""
    prefix: str = ""
    thoughts: str = ""
    thought_for: int = 0
    sources: list[Source] = field(default_factory=list)
    prompt_characters: int | None = None
    lane: int = 0
    answer_by: float = field(default_factory=answer_by.get)
    generation_id: UUID = field(default_factory=uuid4)
    reply_id: str = field(default_factory=new_id)


def accept(draft: Draft, writer_id: UUID) -> tuple[Generation, bool]:
    """Make the turn durable. Returns its row, and False if the same send was accepted before.

    Raises QuotaExceeded, ConversationBusy, KeyReused, InputError if the model or the persona is gone, NotFound if the
    conversation was deleted meanwhile, and Overdue; for a new one in a store within the database, StoreUnavailable.
    """
    (generation,), is_fresh = accept_all((draft,), writer_id)
    return generation, is_fresh


def accept_all(drafts: tuple[Draft, ...], writer_id: UUID) -> tuple[tuple[Generation, ...], bool]:
    """Make one turn durable that several models answer: all of its rows, or none. Returns and raises as `accept`.

    The first draft's key stands for all of them.
    """
    draft, user_id = drafts[0], drafts[0].conversation.user_id
    was_adding = draft.conversation._state.adding
    try:
        with transaction.atomic():
            _lock(user_id)
            if known := replay(user_id, draft.key, draft.body_hash):
                return replay_all(user_id, draft.key, draft.body_hash) if len(drafts) > 1 else (known,), False
            check_time(draft.answer_by)  # the lock may have been long in coming
            _check_running(draft)
            return _begun(drafts, writer_id), True
    except IntegrityError:
        if Generation.objects.filter(user_id=user_id, idempotency_key=draft.key).exists():  # of a deleted chat
            raise KeyReused(_("This message was sent before. Reload the page and send it again.")) from None
        if not Writer.objects.filter(pk=writer_id).exists():  # this process was frozen, and buried by another
            clock.beat(writer_id)
            draft.conversation._state.adding = was_adding
            return accept_all(drafts, writer_id)
        raise _gone(drafts, is_new=was_adding) or _busy() from None


def _gone(drafts: tuple[Draft, ...], *, is_new: bool) -> InputError | None:
    """What was removed a moment ago: a model by an admin, or a persona, perhaps in another tab."""
    wanted, persona = {draft.model.pk for draft in drafts}, drafts[0].conversation.persona_id
    if ChatModel.objects.filter(pk__in=wanted).count() < len(wanted):
        return InputError(_("This model is not available any more. Choose another one."))
    if is_new and persona is not None and not Persona.objects.filter(pk=persona).exists():
        return InputError(_("This persona is not there any more. Choose another one."))
    return None


def _lock(user_id: int) -> None:
    """Sends of one person come one after the other, so that counting is exact. SQLite has but one writer."""
    if connection.features.has_select_for_update:
        # Without the key: a row that refers to this person may be written meanwhile, by who holds what is needed here.
        get_user_model().objects.select_for_update(no_key=True).values_list("pk").get(pk=user_id)


def _busy() -> ConversationBusy:
    return ConversationBusy(
        _("An answer is still being written in this chat. Reload the page to see it, or send again later.")
    )


def _check_running(draft: Draft) -> None:
    """Raises QuotaExceeded, and ConversationBusy where models are compared; else the table's constraint sees to it."""
    names = ["user_message_id", "conversation_id", "parent_id", "lane"]
    live = {"user_id": draft.conversation.user_id, "status": Generation.Status.IN_PROGRESS}
    rows = plain_sql.select(Generation, names, live)
    here = Conversation._meta.pk.get_db_prep_value(draft.conversation.pk, connection)
    others = [row for row in rows if row[0] != draft.user_message_id]
    for _message_id, conversation_id, parent_id, lane in others:
        if conversation_id == here and parent_id == draft.parent_id and lane != draft.lane:
            raise _busy()
    if draft.lane and any(lane for *_rest, lane in others):  # else each would bring four, and count as one
        raise QuotaExceeded(_("Models are being compared for you already. Wait until all have ended, or stop them."))
    # Replies to one message count as one: models that are compared.
    running = len({message_id for message_id, *_rest in others})
    if running >= settings.CHAT_MAX_RUNNING_REPLIES:
        raise QuotaExceeded(
            _("{count} answers are being written for you already. Wait for one of them, or stop one.").format(
                count=running
            )
        )


def _begun(drafts: tuple[Draft, ...], writer_id: UUID) -> tuple[Generation, ...]:
    """The rows, and their conversation: saved if it is new, else at the top of the list, with its model."""
    draft, conversation = drafts[0], drafts[0].conversation
    # Who goes on may be a substitute that nobody chose; of models that are compared, the first counts as chosen.
    if not draft.continues and draft.lane <= 1:
        conversation.model = draft.model
    conversation.updated_at = timezone.now()
    if conversation._state.adding:
        _save_new(draft)
        return tuple(_insert(each, writer_id) for each in drafts)
    # The reply first: it may have to wait until one before it is settled, which ends with the conversation's row too.
    generations = tuple(_insert(each, writer_id) for each in drafts)
    _bring_to_top(draft)
    return generations


def _save_new(draft: Draft) -> None:
    conversation = draft.conversation
    if not conversation.is_temporary:
        conversation.title = titles.fallback(draft.text)[:TITLE_MAX_LENGTH]
    if (store := store_of(conversation)).shares_database:
        store.save(conversation.key, Transcript())
    storing.insert_conversation(conversation)


def _bring_to_top(draft: Draft) -> None:
    conversation = draft.conversation
    rows = Conversation.objects.filter(pk=conversation.pk, deleted_at=None, trashed_at=None)
    conversation.archived_at = None  # who goes on with it wants to see it
    if not rows.update(model=conversation.model, updated_at=conversation.updated_at, archived_at=None):
        raise NotFound(_("This chat does not exist."))
    if not conversation.title and not conversation.is_temporary:
        conversation.title = titles.fallback(draft.text)[:TITLE_MAX_LENGTH]
        rows.filter(title="").update(title=conversation.title)


def _insert(draft: Draft, writer_id: UUID) -> Generation:
    generation = Generation(
        pk=draft.generation_id,
        user_id=draft.conversation.user_id,
        conversation=draft.conversation,
        model=draft.model,
        backend=draft.model.backend,
        upstream_model=draft.model.model_id,
        options=draft.options,
        parent_id=draft.parent_id,
        user_message_id=draft.user_message_id,
        user_text=draft.text,
        reply_id=draft.reply_id,
        reply_text=draft.prefix,
        reasoning_text=draft.thoughts,
        reasoning_ms=draft.thought_for or None,
        sources=draft.sources,
        continues=draft.continues,
        lane=draft.lane,
        is_regeneration=not draft.is_new_message,
        idempotency_key=draft.key,
        body_hash=draft.body_hash,
        prompt_characters=draft.prompt_characters,
        writer_id=writer_id,
    )
    storing.insert(generation)
    generation.before = draft.transcript
    return generation
