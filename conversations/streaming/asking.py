"""Asking for a reply: the model that was chosen, and what is tried when it does not begin to answer.

Before the first token nobody has read anything, so the same model may be asked again, and another one in its
place. From the first token on the reply is that model's, whatever becomes of it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from django.conf import settings
from django.utils.translation import gettext as _

from conversations.backends import get_backend
from conversations.backends.breaker import Attempt
from conversations.backends.servers.sentences import duration
from conversations.errors import BackendError, BackendUnavailable, InputError
from conversations.remarks import PREPARED, waiting_for
from conversations.streaming.admitting import Admission
from conversations.streaming.candidates import Candidate
from conversations.streaming.reply import LiveReply
from conversations.types import ChatRequest, Delta

logger = logging.getLogger(__name__)
MOST_RETRIES = 2  # of one candidate


async def ask(reply: LiveReply) -> AsyncGenerator[Delta, None]:
    """The deltas of whoever answers; `reply.candidate` says who, from the first token on.

    Raises what the model that was chosen raised if nobody began, else what ended the answer. Notices of what is
    being waited for come in between. Whatever is no BackendError passes at once.
    """
    if reply.prepared:
        yield Delta(reply.prepared, finish_reason=PREPARED)
        return
    inquiry = _Inquiry(reply)
    while True:
        try:
            await inquiry.prepare()
            backend = get_backend(inquiry.candidate.backend)
            with Attempt(backend.alias, inquiry.candidate.model_id, label=backend.label) as inquiry.attempt:
                async with aclosing(backend.stream(inquiry.request)) as deltas:
                    async for delta in deltas:
                        if not inquiry.has_begun:
                            inquiry.see(delta)
                        yield delta
            return
        except BackendError as error:
            wait = await inquiry.next_after(error)
            notice = inquiry.notice(error, wait)
        yield notice
        if wait:
            await asyncio.sleep(wait)
            yield Delta(metadata={"waiting": waiting_for(inquiry.candidate.backend)})


class _Inquiry:
    """Who is being asked, how often, and who comes next."""

    def __init__(self, reply: LiveReply):
        self._reply, self._admission = reply, Admission(reply)
        self._others = list(dict.fromkeys(reply.candidates))
        self._faults: list[tuple[Candidate, BackendError]] = []
        self._retries = 0
        self._shortened: set[Candidate] = set()
        self._is_shorter = False  # what is to be asked next, than what was asked just now
        self.request = reply.request
        self.attempt: Attempt | None = None
        self.has_begun = False
        self._turn_to(self._others.pop(0))

    def _turn_to(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self._retries, self._since = 0, time.monotonic()

    async def prepare(self) -> None:
        """Raises what Admission raises: BackendError if what is asked does not fit into this candidate's context."""
        self._is_shorter = False
        self._reply.forget_sources()
        self.request = await self._admission.request_for(self.candidate)

    def see(self, delta: Delta) -> None:
        """Note the first token: reasoning is one, a notice is none."""
        self.has_begun = bool(delta.text or delta.finish_reason or delta.metadata.keys() - {"waiting", "sources"})
        if self.has_begun and self.attempt:
            self.attempt.answered()
            self._reply.candidate, self._reply.request = self.candidate, self.request
            self._reply.watch.begin(self._since)

    async def next_after(self, error: BackendError) -> float:
        """Seconds until `candidate`, the same or another one, is to be asked. Raises if nobody is left to ask."""
        if self.has_begun:
            raise error
        if self._shorten(error):
            return 0.0
        wait = self._wait(error)
        if wait is not None:
            self._retries += 1
            return wait
        self._faults.append((self.candidate, error))
        while self._others:
            candidate = self._others.pop(0)
            if await self._may_help(candidate):
                logger.info("%s did not answer (%s); %s is asked", self.candidate, type(error).__name__, candidate)
                self._turn_to(candidate)
                return 0.0
        raise self._faults[0][1]

    def _shorten(self, error: BackendError) -> bool:
        """Whether the same candidate is to be asked again with less of what was said before: once."""
        prompt = self._reply.prompt
        if error.concerns != "length" or prompt is None or self.candidate in self._shortened:
            return False
        self._shortened.add(self.candidate)
        self._is_shorter = prompt.shorten(self.candidate, error)
        return self._is_shorter

    def _wait(self, error: BackendError) -> float | None:
        """Before the same candidate is asked again; None if it is not: it would not help, or take too long.

        The wait that a server asks for is kept, and a little more, so that not all who wait come back together.
        """
        is_refused = self.attempt is not None and self.attempt.is_refused
        if not error.is_transient or is_refused or self._retries >= MOST_RETRIES:
            return None
        backoff = settings.CHAT_RETRY_DELAY * 2**self._retries
        least = max(error.told_wait or 0.0, backoff / 2)
        if time.monotonic() - self._since + least > settings.CHAT_RETRY_PATIENCE:
            return None
        return least + random.uniform(0, backoff)  # noqa: S311  no secret hangs on it

    async def _may_help(self, candidate: Candidate) -> bool:
        """Whether this one may answer where the others did not."""
        if not _can_take(candidate, self.request):
            return False
        for failed, error in self._faults:
            if error.concerns == "content" or (
                error.concerns == "length" and not self._has_more_room(candidate, failed)
            ):
                return False
            if error.blames == "server" and candidate.backend == failed.backend:
                return False
        return await self._is_admitted(candidate)

    def _has_more_room(self, candidate: Candidate, failed: Candidate) -> bool:
        prompt = self._reply.prompt
        return prompt.has_more_room(candidate, failed) if prompt else _is_larger(candidate, failed)

    async def _is_admitted(self, candidate: Candidate) -> bool:
        """Whether what was said fits into this substitute's context, and guards let it pass."""
        try:
            await self._admission.request_for(candidate)
        except (BackendError, InputError):
            return False
        return True

    def notice(self, error: BackendError, wait: float) -> Delta:
        """What the person who waits is told, once `next_after` has decided."""
        name, pause = _name(self.candidate), duration(round(wait))
        if self._is_shorter:
            sentence = _("This chat is longer than “{name}” takes. Asking again with less of it…").format(name=name)
        elif not wait:
            asked = _name(self._faults[-1][0])
            sentence = _("“{asked}” did not answer. Asking “{name}” instead…").format(asked=asked, name=name)
        elif isinstance(error, BackendUnavailable) and error.blames != "server":
            sentence = _("“{name}” is busy. Asking again in {time}.").format(name=name, time=pause)
        else:
            sentence = _("“{name}” did not answer. Asking again in {time}.").format(name=name, time=pause)
        return Delta(metadata={"waiting": sentence})


def _name(candidate: Candidate) -> str:
    return candidate.label or candidate.model_id or candidate.backend


def _can_take(candidate: Candidate, request: ChatRequest) -> bool:
    """A reply that goes on from its own beginning needs a model that can: another would answer the beginning."""
    if not request.messages or request.messages[-1].role != "assistant":
        return True
    try:
        return get_backend(candidate.backend).supports_continue
    except BackendError:
        return False


def _is_larger(candidate: Candidate, failed: Candidate) -> bool:
    """By the catalogue; a size that is not known is no reason to hope."""
    return bool(candidate.context_size and failed.context_size and candidate.context_size > failed.context_size)
