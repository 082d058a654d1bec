"""Does this model work? It is asked something small, and what happens is told in a sentence. For administrators."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from django.utils.translation import gettext as _

from conversations.backends import ChatBackend, get_backend
from conversations.backends.servers.sentences import duration
from conversations.errors import BackendError
from conversations.models import ChatModel
from conversations.types import ChatRequest, Message, Usage

logger = logging.getLogger(__name__)
QUESTION = "Count from one to twenty, in words."
MAX_TOKENS = 128
PATIENCE = 150.0
"""Seconds for one model, loading included: longer than most time-outs, so that these can say what is wrong."""
HEARTBEAT = 3.0  # seconds between signs of life
AT_ONCE = 4
AT_ONE_BLOW = 0.25  # seconds; whole answers that come sooner may have been streamed
MEASURABLE = 0.05  # seconds; what takes less says nothing about speed


@dataclass(frozen=True, slots=True)
class Probe:
    """What a test found. Times in seconds; None where it did not come to it, or nobody counts."""

    label: str
    works: bool
    sentence: str
    first_token: float | None = None
    tokens_per_second: float | None = None
    streams: bool | None = None


async def probe(model: ChatModel, tell: Callable[[str], None] = lambda _sentence: None) -> Probe:
    """Ask the model itself: no breaker, no substitute, no second try. `tell` hears what is waited for meanwhile.

    Whatever the model does ends in a Probe, after PATIENCE at the latest; cancelling it ends the reply upstream.
    """
    reply = _Reply()
    try:
        backend = get_backend(model.backend)
        async with asyncio.timeout(PATIENCE):
            await _listen(backend, model, reply, tell)
    except TimeoutError:
        sentence = _("It was not done within {time}. Look at the load of its server, or choose a smaller model.")
        return reply.failed(model, sentence.format(time=duration(PATIENCE)))
    except BackendError as error:
        if error.code != "only_thought":
            return reply.failed(model, error.message)
    except Exception:  # a bug of a backend must not leave whoever tests it without a word
        logger.exception("The test of %s failed", model.model_id or model.backend)
        return reply.failed(model, _("The site itself made a mistake. Its log tells more."))
    return reply.told(model, backend)


async def probe_all(models: Sequence[ChatModel]) -> AsyncIterator[str | Probe]:
    """Probes as they are done, a few at a time, and between them sentences that say what is waited for.

    Closing it ends what still runs.
    """
    news: asyncio.Queue[str | Probe] = asyncio.Queue()
    places = asyncio.Semaphore(AT_ONCE)
    waiting = {model.pk: model.label for model in models}
    began = time.monotonic()

    async def test(model: ChatModel) -> None:
        async with places:
            found = await probe(model, news.put_nowait)
        del waiting[model.pk]
        news.put_nowait(found)

    tasks = [asyncio.create_task(test(model)) for model in models]
    try:
        while waiting or not news.empty():
            try:
                yield await asyncio.wait_for(news.get(), HEARTBEAT)
            except TimeoutError:
                yield _("Waiting for {names}, for {time} so far.").format(
                    names=", ".join(waiting.values()), time=duration(time.monotonic() - began)
                )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(backend: ChatBackend, model: ChatModel, reply: _Reply, tell: Callable[[str], None]) -> None:
    """Raises BackendError."""
    request = ChatRequest(
        (Message("user", QUESTION),),
        model=model.model_id,
        options={"temperature": 0, "max_tokens": MAX_TOKENS},
        parameters=model.parameters,
    )
    async with aclosing(backend.stream(request)) as deltas:
        async for delta in deltas:
            if delta.text or delta.metadata.get("reasoning"):
                reply.heard()
            elif waiting := delta.metadata.get("waiting"):
                tell(waiting)
            reply.usage = delta.usage or reply.usage
            reply.finish_reason = delta.finish_reason or reply.finish_reason
    if reply.finish_reason is None:
        raise BackendError(_("The answer broke off before its end. Try again, and look at the server's log."))


class _Reply:
    """When its pieces came, on the monotonic clock."""

    def __init__(self) -> None:
        self._asked = time.monotonic()
        self._first = self._last = 0.0
        self._pieces = 0
        self.usage: Usage | None = None
        self.finish_reason: str | None = None

    def heard(self) -> None:
        self._last = time.monotonic()
        self._first = self._first or self._last
        self._pieces += 1

    def failed(self, model: ChatModel, reason: str) -> Probe:
        if self._pieces:
            sentence = _("“{model}” begins to answer, but does not finish: {reason}")
        else:
            sentence = _("“{model}” does not work: {reason}")
        return Probe(model.label, False, sentence.format(model=model.label, reason=reason), self._wait)

    def told(self, model: ChatModel, backend: ChatBackend) -> Probe:
        streams = self._streams
        names = {"model": model.label, "server": backend.label}
        parts = [_SENTENCES[streams][_kind(backend)]().format(**names)]
        if self._wait is not None:
            parts.append(_("The first token came after {time} s.").format(time=_digits(self._wait)))
        if (speed := self._speed) is not None:
            parts.append(_("Then it wrote {speed} tokens per second.").format(speed=_digits(speed)))
        return Probe(model.label, True, " ".join(parts), self._wait, speed, streams)

    @property
    def _streams(self) -> bool | None:
        """None for an answer that was there so soon that it could have come in pieces."""
        if self._pieces > 1:
            return True
        return None if self._wait is None or self._wait < AT_ONE_BLOW else False

    @property
    def _wait(self) -> float | None:
        return self._first - self._asked if self._pieces else None

    @property
    def _speed(self) -> float | None:
        """Tokens as the server counted them, else its pieces, which are mostly one token each."""
        writing = self._last - self._first
        count = (self.usage and self.usage.completion_tokens) or self._pieces
        return (count - 1) / writing if self._pieces > 1 and count > 1 and writing >= MEASURABLE else None


def _kind(backend: ChatBackend) -> str:
    if not hasattr(backend, "address"):
        return "inside"
    return "keyed" if getattr(backend, "api_key", "") else "open"


def _digits(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"


_SENTENCES: dict[bool | None, dict[str, Callable[[], str]]] = {
    True: {
        "keyed": lambda: _("“{model}” works: {server} can be reached, accepts the key and streams its answers."),
        "open": lambda: _("“{model}” works: {server} can be reached, asks for no key and streams its answers."),
        "inside": lambda: _("“{model}” works and streams its answers."),
    },
    False: {
        "keyed": lambda: _(
            "“{model}” works: {server} can be reached and accepts the key, but its answers come in one piece, so that "
            "people see nothing until the end."
        ),
        "open": lambda: _(
            "“{model}” works: {server} can be reached and asks for no key, but its answers come in one piece, so that "
            "people see nothing until the end."
        ),
        "inside": lambda: _("“{model}” works, but its answers come in one piece."),
    },
    None: {
        "keyed": lambda: _("“{model}” works: {server} can be reached and accepts the key."),
        "open": lambda: _("“{model}” works: {server} can be reached and asks for no key."),
        "inside": lambda: _("“{model}” works."),
    },
}
