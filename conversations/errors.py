"""Everything that can go wrong and be told to a person.

* ChatError                     500
  x InputError                  400
    + Refused                   400  by a guard, with the reason
    + TooLarge                  413
    + KeyReused                 422  the same idempotency key with another body
  x NotFound                    404
  x Over                        410  a temporary chat that has ended
  x QuotaExceeded               429  retry_after
  x ConversationBusy            409  a reply is being written
  x ConflictError               409  someone saved first
  x CorruptDocument             500  what the store holds is no transcript
  x StoreUnavailable            503  retry_after
  x ShuttingDown                503  retry_after; the page sends again by itself
  x Overdue                     503  nobody waits for it any more, and nothing was done
  x BackendError                502  the model said no
    + BackendTimeout            504
    + BackendUnavailable        503  loading, overloaded, not reachable: retry_after

The text of an error is a sentence for the person who reads it, and never holds a secret.
One place turns them into HTML, one into JSON.
"""

from __future__ import annotations

from typing import Literal


class ChatError(Exception):
    status = 500
    code = "error"
    retry_after: float | None = None  # seconds

    def __init__(self, message: str = "", *, retry_after: float | None = None, status: int | None = None):
        super().__init__(message)
        self.message = str(message)
        if retry_after is not None:
            self.retry_after = retry_after
        if status is not None:
            self.status = status


class InputError(ChatError):
    status = 400
    code = "invalid"


class Refused(InputError):
    code = "refused"


class TooLarge(InputError):
    status = 413
    code = "too_large"


class KeyReused(InputError):
    status = 422
    code = "key_reused"


class NotFound(ChatError):
    status = 404
    code = "not_found"


class Over(ChatError):
    status = 410
    code = "over"


class QuotaExceeded(ChatError):
    status = 429
    code = "quota_exceeded"
    retry_after = 5


class ConversationBusy(ChatError):
    status = 409
    code = "conversation_busy"


class ConflictError(ChatError):
    status = 409
    code = "conflict"


class CorruptDocument(ChatError):
    code = "corrupt_document"


class StoreUnavailable(ChatError):
    status = 503
    code = "store_unavailable"
    retry_after = 5


class ShuttingDown(ChatError):
    status = 503
    code = "shutting_down"
    retry_after = 1


class Overdue(ChatError):
    status = 503
    code = "overdue"
    retry_after = 1


class BackendError(ChatError):
    """The model, or the server it runs on, said no. `status` may carry the upstream's own.

    What is tried next depends on it (streaming/asking.py), before the first token only:

    is_transient   the same model may answer if it is asked again a little later
    told_wait      how long it asked to be left alone, in seconds; None if it did not say
    blames         what seems to be down, the "model" or its "server": failures in a row open its breaker.
                   Empty where somebody answered, if only to say no
    concerns       "content": no other model would answer this either; "length": one with a larger context would
    context_size, prompt_tokens
                   where it concerns the length: the tokens of the model's context, and of the prompt, if it said so
    """

    status = 502
    code = "backend_error"
    is_transient = False
    blames: Literal["", "model", "server"] = ""

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: float | None = None,
        status: int | None = None,
        is_wait_told: bool = True,
        is_transient: bool | None = None,
        blames: Literal["", "model", "server"] | None = None,
        concerns: Literal["", "content", "length"] = "",
        context_size: int | None = None,
        prompt_tokens: int | None = None,
    ):
        """`is_wait_told` False: `retry_after` is a guess, made for the sentence."""
        super().__init__(message, retry_after=retry_after, status=status)
        self.told_wait = retry_after if is_wait_told else None
        self.concerns = concerns
        self.context_size = context_size
        self.prompt_tokens = prompt_tokens
        if is_transient is not None:
            self.is_transient = is_transient
        if blames is not None:
            self.blames = blames


class BackendTimeout(BackendError):
    status = 504
    code = "backend_timeout"
    blames = "model"


class BackendUnavailable(BackendError):
    status = 503
    code = "backend_unavailable"
    retry_after = 10
    is_transient = True
