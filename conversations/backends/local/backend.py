"""The backend that answers with a model in this process."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any

from django.core.checks import CheckMessage
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.backends.base import ChatBackend
from conversations.backends.local.checks import check_source
from conversations.backends.local.engine import Engine, Outcome
from conversations.backends.local.loading import Source, load
from conversations.backends.local.prompt import turns_of
from conversations.backends.local.run import Run
from conversations.backends.local.sampling import Sampling
from conversations.backends.local.turns import Turn, Turns
from conversations.backends.tuning import USUAL
from conversations.types import ChatRequest, Delta


class LocalBackend(ChatBackend):
    """OPTIONS:

    model            a name at Hugging Face, or a folder with a model in safetensors format
    revision         a branch, tag or commit at Hugging Face
    dtype            "auto" (as the weights were saved), "float32", "bfloat16" or "float16"
    device           "auto" (a GPU when there is one), "cpu", "cuda", "cuda:1", "mps"
    max_new_tokens   tokens of a reply when the request names no limit (512)
    timeout          seconds of silence after which a reply is given up (300)
    threads          of the processor; by default all but one, which stays for the site itself
    """

    supports_continue = True
    settings = USUAL

    def __init__(
        self,
        alias: str = "",
        *,
        model: str,
        revision: str | None = None,
        dtype: str = "auto",
        device: str = "auto",
        max_new_tokens: int = 512,
        timeout: float = 300,
        threads: int | None = None,
        **options: Any,
    ):
        super().__init__(alias, **options)
        self.source = Source(model, revision, dtype, device, threads or max(1, (os.cpu_count() or 2) - 1))
        self.label = self.source.path.name  # type: ignore[misc]
        self.max_new_tokens = max_new_tokens
        self.timeout = timeout
        self._turns = Turns()
        self._lock = threading.Lock()
        self._engine: Future[Engine] | None = None

    def models(self) -> Sequence[dict[str, Any]]:
        name = self.label if self.source.is_path else self.source.model
        return [{"model_id": name, "label": self.label, "use_case": _("On this machine")}]

    async def stream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        """Wait for one's turn and for the model, telling so, then the reply as it is written. Raises BackendError."""
        turn, run = self._turns.join(), None
        try:
            async with aclosing(self._waiting(turn)) as waits:
                async for sentence in waits:
                    yield Delta(metadata={"waiting": sentence})
            engine = await asyncio.wrap_future(self._loading())
            run = self._run(engine, request, turn)
            async with aclosing(run.pieces(self.timeout)) as pieces:
                async for text in pieces:
                    yield Delta(text)
            yield Delta(finish_reason=run.outcome.finish_reason, usage=run.outcome.usage)
        finally:
            if run is None:
                turn.leave()
            else:
                run.stop()  # its thread leaves, so that two never use the model at once

    async def _waiting(self, turn: Turn) -> AsyncIterator[str]:
        """What is being waited for, until it is this reply's turn; at last the loading, if that is still to come."""
        async with aclosing(turn.places()) as places:
            async for ahead in places:
                sentence = ngettext("One reply is before yours.", "%(count)s replies are before yours.", ahead)
                yield sentence % {"count": ahead}
        if not self._loading().done():
            yield (
                _("Loading the model…")
                if self.source.is_path
                else _("Loading the model; the first time takes minutes…")
            )

    def _run(self, engine: Engine, request: ChatRequest, turn: Turn) -> Run:
        sampling = Sampling.from_options(request.options, self.max_new_tokens)

        def work(emit: Any, stopped: threading.Event) -> Outcome:
            return engine.reply(turns_of(request.messages), sampling, emit, stopped)

        run = Run(work, on_end=turn.leave)
        run.start()
        return run

    def _loading(self) -> Future[Engine]:
        """The model, or the promise of it: one thread loads it for all. After a failure the next reply tries again."""
        with self._lock:
            if self._engine is None or (self._engine.done() and self._engine.exception()):
                self._engine = Future()
                self._engine.set_running_or_notify_cancel()  # from here on no reader's cancelling reaches it
                threading.Thread(target=self._load, args=(self._engine,), name="local-model-load", daemon=True).start()
            return self._engine

    def _load(self, promise: Future[Engine]) -> None:
        try:
            promise.set_result(load(self.source))
        except BaseException as error:  # whatever it is, those who wait raise it
            promise.set_exception(error)

    async def aclose(self) -> None:
        """Forget the model. A reply that is still being written keeps it until it ends."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            del engine
            await asyncio.to_thread(_free_memory)

    def check(self) -> Iterable[CheckMessage]:
        return check_source(self.source, self.alias)


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
