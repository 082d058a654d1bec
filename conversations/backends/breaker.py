"""Breakers: what failed several times in a row is left alone for a while, and whoever asks is told at once.

    with Attempt("server", "gemma-2", label="Acme") as attempt:    # raises BackendUnavailable while it is open
        ...
        attempt.answered()                                         # with the first token

There is one breaker for each connection and one for each of its models, in this process. An error says in
`blames` whose failure it is; an error that blames nobody is an answer too, if only to say no. When the rest is
over, one attempt passes as a probe and the others are still refused: its end closes or opens the breaker.
"""

from __future__ import annotations

import logging
import threading
import time

from django.conf import settings
from django.utils.translation import gettext as _

from conversations.backends.servers.sentences import duration
from conversations.errors import BackendError, BackendUnavailable

logger = logging.getLogger(__name__)


class Breaker:
    """Counts failures in a row. Times are of the monotonic clock."""

    def __init__(self, name: str):
        """`name` is what the log calls it."""
        self._name = name
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0
        self._is_open = False

    def admit(self) -> float:
        """0 if one may ask now, else the seconds until it is worth coming back.

        The first to come after the rest is the probe. It has as long as the rest was; then another one passes,
        so that a probe that hangs keeps nobody out for good.
        """
        with self._lock:
            now = time.monotonic()
            if not self._is_open:
                return 0.0
            if now < self._rests_until:
                return self._rests_until - now
            self._rest(now)
            return 0.0

    @property
    def is_open(self) -> bool:
        return self._is_open

    def answered(self) -> None:
        with self._lock:
            if self._is_open:
                logger.info("%s answers again", self._name)
            self._failures, self._is_open = 0, False

    def failed(self) -> None:
        """While it is open this changes nothing: the rest of a probe that fails began when it was admitted."""
        with self._lock:
            self._failures += 1
            if not self._is_open and 0 < settings.CHAT_BREAKER_FAILURES <= self._failures:
                logger.warning("%s is left alone after %d failures in a row", self._name, self._failures)
                self._is_open = True
                self._rest(time.monotonic())

    def release(self) -> None:
        """A probe ended without telling anything (it was stopped, say): the next one may come now."""
        with self._lock:
            self._rests_until = 0.0

    def _rest(self, now: float) -> None:
        self._rests_until = now + settings.CHAT_BREAKER_COOLDOWN


class Attempt:
    """One asking of a model, as a context manager. Entering raises BackendUnavailable if a breaker is open."""

    def __init__(self, alias: str, model: str, *, label: str):
        """`label` is what people know the connection by."""
        self._label = label or alias
        self._server = _breaker(alias)
        self._model = _breaker(alias, model)
        self._probing: list[Breaker] = []
        self._is_decided = False

    def __enter__(self) -> Attempt:
        for breaker in (self._server, self._model):
            if wait := breaker.admit():
                self._release()
                raise self._refusal(wait)
            if breaker.is_open:
                self._probing.append(breaker)
        return self

    @property
    def is_refused(self) -> bool:
        """Whether a breaker is open, so that asking again at once makes no sense."""
        return self._server.is_open or self._model.is_open

    def answered(self) -> None:
        """The first token is there: what happens from now on is no failure to answer."""
        self._is_decided = True
        self._server.answered()
        self._model.answered()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _at: object) -> None:
        if self._is_decided:
            return
        if isinstance(error, BackendError):
            self._judge(error)
        elif error is None:
            self.answered()
        else:  # stopped, or a bug: that tells nothing
            self._release()

    def _judge(self, error: BackendError) -> None:
        if error.blames == "server":
            self._server.failed()
            if self._model in self._probing:  # it was not reached
                self._model.release()
            return
        self._server.answered()
        if error.blames == "model":
            self._model.failed()
        else:
            self._model.answered()

    def _release(self) -> None:
        for breaker in self._probing:
            breaker.release()

    def _refusal(self, wait: float) -> BackendUnavailable:
        sentence = _(
            "“{name}” did not answer several times in a row, so it is not asked for now. "
            "Try again in {time}, or choose another model."
        ).format(name=self._label, time=duration(wait))
        return BackendUnavailable(sentence, retry_after=wait, is_transient=False)


_breakers: dict[tuple[str, ...], Breaker] = {}


def _breaker(*key: str) -> Breaker:
    """`key` is the alias of a connection, or that and the id of a model there."""
    return _breakers.setdefault(key, Breaker(" / ".join(filter(None, key))))


def forget_breakers() -> None:
    """Close them all: the connections are new."""
    _breakers.clear()
