"""One reply, from the first question to its outcome: what the backend says goes to the relay as it comes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

from django.conf import settings
from django.utils.translation import gettext as _

from conversations.backends.servers import wording
from conversations.errors import ChatError, Refused
from conversations.models import Generation
from conversations.relay import Relay
from conversations.streaming import outcome
from conversations.streaming.asking import ask
from conversations.streaming.reply import LiveReply, Outcome

logger = logging.getLogger(__name__)
Status = Generation.Status


async def pull(reply: LiveReply, relay: Relay) -> Outcome:
    """Pass what the backend says to the relay, until it ends one way or the other. Never raises."""
    try:
        async with asyncio.timeout(settings.CHAT_REPLY_DEADLINE):
            await _pass_on(reply, relay)
        broken = None
    except (asyncio.CancelledError, Exception) as error:
        broken = _broken(reply, error)
    reply.watch.stop()
    try:
        rest = reply.finish()
        _publish_thoughts(reply, relay)
        if rest:
            relay.publish(reply.generation_id, rest)
        if reply.refusal:
            broken = broken or _broken(reply, reply.refusal)
    except Exception as error:  # a guard may be anybody's
        broken = broken or _broken(reply, error)
    return broken or _ended(reply)


async def _pass_on(reply: LiveReply, relay: Relay) -> None:
    most = settings.CHAT_MAX_REPLY_LENGTH
    async with aclosing(ask(reply)) as deltas:
        async for delta in deltas:
            text = reply.take(delta)
            if reply.thoughts.fresh:
                _publish_thoughts(reply, relay)
            if text:
                relay.publish(reply.generation_id, text)
            elif "waiting" in delta.metadata:
                relay.notify(reply.generation_id, delta)
            if reply.refusal:
                raise reply.refusal
            if reply.length + reply.thoughts.length > most:
                reply.finish_reason = "length"
                return


def _publish_thoughts(reply: LiveReply, relay: Relay) -> None:
    if thoughts := reply.thoughts.take():
        relay.publish_thoughts(reply.generation_id, thoughts, reply.thoughts.milliseconds)


def _broken(reply: LiveReply, error: BaseException) -> Outcome:
    if isinstance(error, asyncio.CancelledError):
        if reply.cancelled_as == Status.FAILED:
            return outcome.unwritable()
        return Outcome(Status.CANCELLED) if reply.cancelled_as == Status.CANCELLED else outcome.interrupted()
    if isinstance(error, TimeoutError):
        return Outcome(Status.FAILED, error_code="deadline", error=_("The model took too long and was stopped."))
    if isinstance(error, Refused):  # by a guard
        return Outcome(Status.FAILED, "content_filter", error.code, error.message)
    if isinstance(error, ChatError):
        if error.code == "empty" and reply.prefix:  # asked to go on, the model found that nothing was missing
            return Outcome(Status.COMPLETED, "stop")
        return Outcome(Status.FAILED, error_code=error.code, error=error.message)
    logger.error("Backend %s broke", reply.backend, exc_info=error)
    return Outcome(Status.FAILED, error_code="bug", error=_("Something went wrong on this site. Try again."))


def _ended(reply: LiveReply) -> Outcome:
    if not reply.finish_reason:
        return outcome.interrupted()
    if not reply.length:
        return _silence(reply)
    return Outcome(Status.COMPLETED, reply.finish_reason)


def _silence(reply: LiveReply) -> Outcome:
    if not reply.thoughts.length:
        return Outcome(Status.FAILED, reply.finish_reason, "empty", _("The model sent an empty answer."))
    sentence = wording.ONLY_THOUGHT if reply.finish_reason == "length" else wording.THOUGHT_AND_STOPPED
    return Outcome(Status.FAILED, reply.finish_reason, "only_thought", str(sentence))
