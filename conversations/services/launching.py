"""From an asked-for turn to a reply that is being written, once per idempotency key."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from conversations.backends import get_backend
from conversations.errors import ChatError, ConversationBusy, QuotaExceeded
from conversations.examples import ready_answer
from conversations.models import ChatModel, Conversation, Generation
from conversations.outbox import turn_messages
from conversations.services.acceptance import Draft, accept_all
from conversations.services.branches import goes_on_by_itself
from conversations.services.catalogue import candidates, known_candidates
from conversations.services.judging import judged_again, judged_system_prompt
from conversations.services.prompting import Prompt, characters_of
from conversations.services.replaying import replay
from conversations.services.stopping import made_way
from conversations.stores import first_document, store_of
from conversations.streaming import current_writer, storing
from conversations.streaming.candidates import Candidate
from conversations.streaming.executors import in_database, in_store
from conversations.streaming.joint import Joint
from conversations.streaming.reply import LiveReply
from conversations.streaming.writer import Writer
from conversations.types import Message

T = TypeVar("T")


async def once(
    conversation: Conversation,
    key: str,
    body_hash: str,
    attempt: Callable[[], Awaitable[T]],
    replay: Callable[[int, str, str], T | None] = replay,
) -> T:
    """What `attempt` accepts, or what this key stands for already: a generation, or all of a comparison.

    What stands in the way only because its writer has fallen silent is settled, and then tried again. Raises what
    `attempt` raises, and KeyReused for another body.
    """
    user_id = conversation.user_id
    try:
        return await attempt()  # nearly all keys are new; the transaction that accepts looks for the others
    except ChatError as error:
        if known := await in_database(replay, user_id, key, body_hash):  # the same send, which now is in its own way
            return known
        if not isinstance(error, ConversationBusy | QuotaExceeded) or not await made_way(user_id):
            raise
        return await attempt()


def body_hash(conversation: Conversation, *parts: Any) -> str:
    """What makes two sends the same. A new conversation's id is made by the server, so it is left out."""
    where = "" if conversation._state.adding else str(conversation.pk)
    payload = json.dumps([where, *parts], ensure_ascii=True, default=str)
    if conversation.is_temporary:  # a plain hash of a short text tells the text to whoever tries many
        return salted_hmac("temporary turn", payload, algorithm="sha256").hexdigest()
    return hashlib.sha256(payload.encode()).hexdigest()


async def launch(draft: Draft, messages: tuple[Message, ...]) -> Generation:
    """Accept the turn, then begin to write its reply in this process. `messages` ends with what the person said.

    Both in one task of the writer's: a reader who leaves cancels the view, not what was half accepted.
    All that may fail comes before the transaction. Raises TooLarge for what fits into no context, and what accept_all
    raises.
    """
    (generation,) = await launch_all((draft,), messages)
    return generation


async def launch_all(drafts: tuple[Draft, ...], messages: tuple[Message, ...]) -> tuple[Generation, ...]:
    """As `launch`, for one turn that several models answer: one transaction accepts all of their replies."""
    writer = current_writer()
    writer_id = await writer.ready()
    models = [draft.model for draft in drafts]
    asked = known_candidates(models) or await in_database(lambda: [candidates(model) for model in models])
    if not drafts[0].is_new_message:
        messages = await judged_again(messages, drafts[0].conversation, drafts[0].model)
    replies = [await _reply(draft, each, messages) for draft, each in zip(drafts, asked, strict=True)]
    if len(replies) > 1:
        for reply in replies:
            reply.beside = replies
    drafts = tuple(
        replace(draft, prompt_characters=characters_of(reply.request))
        for draft, reply in zip(drafts, replies, strict=True)
    )
    return await asyncio.shield(writer.spawn(_accept_and_write(writer, drafts, replies, writer_id)))


async def _reply(draft: Draft, asked: tuple[Candidate, ...], messages: tuple[Message, ...]) -> LiveReply:
    asked = _alike(asked) if draft.continues else asked
    is_repeat = not draft.is_new_message
    system_prompt = await judged_system_prompt(draft.conversation, draft.model, is_repeat=is_repeat)
    prompt = Prompt(draft, messages, system_prompt, asked)
    begins = draft.is_new_message and not draft.parent_id and not draft.lane
    prepared = ready_answer(draft.conversation, draft.text) if begins else ""
    return LiveReply(
        draft.generation_id,
        asked,
        await prompt.first_request(),
        prompt=prompt,
        wants_title=not prepared and _wants_title(draft.conversation, draft.model),
        prepared=prepared,
        prefix=draft.prefix,
        thought_before=draft.thoughts,
        thought_for=draft.thought_for,
        sources_before=draft.sources,
        joint=Joint(draft.prefix) if draft.continues and not goes_on_by_itself(draft.model.backend) else None,
    )


def _alike(asked: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Those that can go on from the same request as the first: one request is made for all."""
    goes_on = goes_on_by_itself(asked[0].backend)

    def is_alike(candidate: Candidate) -> bool:
        return get_backend(candidate.backend).is_language_model and goes_on_by_itself(candidate.backend) == goes_on

    return (asked[0], *filter(is_alike, asked[1:]))


async def _accept_and_write(
    writer: Writer, drafts: tuple[Draft, ...], replies: list[LiveReply], writer_id: UUID
) -> tuple[Generation, ...]:
    conversation = drafts[0].conversation
    store = store_of(conversation)
    key, was_adding = conversation.key, conversation._state.adding
    is_new = was_adding and not store.shares_database
    if is_new:
        await in_store(store.save, key, first_document(conversation))
    try:
        generations, is_fresh = await in_database(accept_all, drafts, writer_id)
    except Exception as error:
        conversation._state.adding = was_adding  # whatever was saved of it has been rolled back
        if is_new and isinstance(error, ChatError):
            await in_store(store.delete, key)
        raise
    if is_fresh:
        if conversation.is_temporary and drafts[0].is_new_message:  # what the row does not have
            await in_store(store.append, key, turn_messages(generations[0])[0])
            if is_new:
                await in_store(storing.end_temporary, conversation.user_id)
        for reply, generation in zip(replies, generations, strict=True):
            reply.generation = generation
            writer.launch(reply)
    elif is_new:
        await in_store(store.delete, key)  # the same send was accepted a moment ago, under another id
    return generations


def _wants_title(conversation: Conversation, model: ChatModel) -> bool:
    is_untitled = conversation.title_source == Conversation.TitleSource.FALLBACK and not conversation.is_temporary
    return settings.CHAT_TITLES and is_untitled and get_backend(model.backend).is_language_model
