"""What went wrong with a model server, as errors whose sentences the person who waits can understand.

One place for all servers and client libraries. No sentence holds a key, a token or the credentials of an address.
"""

from __future__ import annotations

import math
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import ngettext

from conversations.backends.servers import wording
from conversations.backends.servers.limits import Phase
from conversations.backends.servers.refusal import Refusal
from conversations.errors import BackendError, BackendTimeout, BackendUnavailable

LONGEST_QUOTE = 300  # characters of a server's own words
A_WHILE = 60.0  # seconds, told where the server does not say how long to wait

_TOKEN = re.compile(r"\b(?:sk|hf|gsk|xai|pk|rk)[-_][\w*.-]{4,}|\bBearer\s+\S+", re.IGNORECASE)
_CREDENTIALS = re.compile(r"//[^/\s@]+@")


@dataclass(frozen=True, slots=True)
class Sentences:
    """`label` is what people know the server by, `alias` its key in CHAT_BACKENDS, `address` its host:port.

    `secrets` are never quoted, whatever a server echoes.
    """

    label: str
    alias: str
    address: str
    secrets: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    """What whoever runs the site calls `api_key` and `base_url`: HF_TOKEN, say."""

    def misconfigured(self) -> BackendError:
        return self._error(wording.MISCONFIGURED)

    def unreachable(self, error: BaseException) -> BackendUnavailable:
        causes = tuple(_chain(error))
        text = wording.UNREACHABLE
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            text = wording.HOST_UNKNOWN
        elif any(isinstance(cause, ssl.SSLError) for cause in causes):
            text = wording.NOT_SECURE
        return BackendUnavailable(self._fill(text), is_transient=text is not wording.NOT_SECURE, blames="server")

    def timed_out(self, phase: Phase, seconds: float) -> BackendTimeout:
        sentence = self._fill(wording.TIMED_OUT[phase], time=duration(seconds))
        is_unreached = phase == "connect"  # a model that was silent for a minute is not asked for another one
        return BackendTimeout(sentence, is_transient=is_unreached, blames="server" if is_unreached else "model")

    def broken_off(self, *, begun: bool) -> BackendError:
        sentence = self._fill(wording.BROKEN_OFF if begun else wording.CLOSED_SILENTLY)
        return BackendError(sentence, is_transient=True, blames="model")

    def malformed(self) -> BackendError:
        return self._error(wording.MALFORMED)

    def not_a_chat_server(self) -> BackendError:
        return self._error(wording.NOT_A_CHAT_SERVER)

    def empty(self) -> BackendError:
        return self._error(wording.EMPTY)

    def only_thought(self, *, is_cut: bool) -> BackendError:
        error = self._error(wording.ONLY_THOUGHT if is_cut else wording.THOUGHT_AND_STOPPED)
        error.code = "only_thought"  # it works; if cut, it was only not allowed to come to its end
        return error

    def filtered(self) -> BackendError:
        return BackendError(self._fill(wording.FILTERED), concerns="content")

    def unknown(self, model: str) -> BackendError:
        return self._error(wording.MODEL_UNKNOWN if model else wording.THIS_MODEL_UNKNOWN, model=model)

    def refused(self, refusal: Refusal, model: str = "") -> BackendError:
        """The error for a server that said no: to the request, or in the middle of its answer."""
        if refusal.is_filtered:
            return self.filtered()
        if refusal.is_context_too_long:
            size, tokens = refusal.told_sizes
            sentence = self._fill(wording.TOO_LONG)
            return BackendError(sentence, status=413, concerns="length", context_size=size, prompt_tokens=tokens)
        if refusal.is_out_of_credit:
            return BackendError(self._fill(wording.NO_CREDIT), status=402)
        if refusal.is_out_of_memory:
            return self._error(wording.OUT_OF_MEMORY)
        if refusal.is_model_unknown:
            return self.unknown(model)
        return self._by_status(refusal)

    def _by_status(self, refusal: Refusal) -> BackendError:
        status = refusal.status
        # Not with the upstream's own 401 and 403: the visitor is logged in here, it is the site that is not there.
        if status == 401:
            return self._error(wording.WRONG_KEY if self.secrets else wording.NO_KEY)
        if status == 403:
            return self._quoting(wording.NOT_ALLOWED, refusal)
        if status == 429:
            return self._wait(wording.TOO_MANY, refusal, status=429)
        if status in (503, 529):
            return self._unavailable(refusal)
        if status in (408, 504, 522, 524):
            return BackendTimeout(self._fill(wording.GATEWAY_TIMED_OUT), is_transient=True)
        if 300 <= status < 400 or (status in (404, 405) and not refusal.is_from_api):
            return self.not_a_chat_server()
        if status >= 500:
            return self._quoting(wording.FAILED, refusal, is_transient=True, blames="model")
        return self._quoting(wording.NOT_TAKEN if status else wording.FAILED_WITHIN, refusal)

    def _unavailable(self, refusal: Refusal) -> BackendUnavailable:
        """A model that loads, or a server that says when to come back, is alive; one that says neither may be down."""
        if refusal.is_loading:
            return self._wait(wording.LOADING, refusal, status=503)
        blames = "" if refusal.wait else "model"
        return self._wait(wording.OVERLOADED, refusal, status=503, blames=blames)

    def _wait(self, text: Promise, refusal: Refusal, **marks: Any) -> BackendUnavailable:
        wait = refusal.wait or A_WHILE
        sentence = self._fill(text, time=duration(wait))
        return BackendUnavailable(sentence, retry_after=wait, is_wait_told=refusal.wait is not None, **marks)

    def _error(self, text: Promise, **values: str) -> BackendError:
        return BackendError(self._fill(text, **values))

    def _quoting(self, text: Promise, refusal: Refusal, **marks: Any) -> BackendError:
        sentence = self._fill(text, status=str(refusal.status))
        quote = self._quote(refusal.message)
        return BackendError(wording.QUOTED % {"sentence": sentence, "quote": quote} if quote else sentence, **marks)

    def _fill(self, text: Promise, **values: str) -> str:
        known = {"label": self.label, "alias": self.alias, "address": self.address}
        return text % {**known, "key": self._place("api_key"), "url": self._place("base_url"), **values}

    def _place(self, option: str) -> str:
        """Where to correct an option."""
        return self.variables.get(option) or wording.OPTION % {"option": option, "alias": self.alias}

    def _quote(self, words: str) -> str:
        for secret in self.secrets:
            words = words.replace(secret, "…")
        words = " ".join(_CREDENTIALS.sub("//", _TOKEN.sub("…", words)).split())
        return words if len(words) <= LONGEST_QUOTE else words[:LONGEST_QUOTE] + "…"


def duration(seconds: float) -> str:
    """`7 seconds`, `5 minutes`: rounded up, for people."""
    if seconds < 120:
        whole = max(1, math.ceil(seconds))
        return ngettext("%(count)s second", "%(count)s seconds", whole) % {"count": whole}
    minutes = math.ceil(seconds / 60)
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it; libraries wrap what the operating system said."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
