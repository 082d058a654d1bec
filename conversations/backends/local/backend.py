"""The backend that answers with a model on this machine."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from django.core.checks import CheckMessage
from django.utils.translation import gettext as _

from conversations.backends.base import ChatBackend
from conversations.backends.local.checks import check_source
from conversations.backends.local.faults import Fault
from conversations.backends.local.parameters import Parameters, check
from conversations.backends.local.process import ModelProcess
from conversations.backends.local.prompt import turns_of
from conversations.backends.local.reply import Outcome, Reply
from conversations.backends.local.sampling import Sampling
from conversations.backends.local.source import Source
from conversations.backends.tuning import USUAL
from conversations.errors import BackendError, BackendTimeout
from conversations.types import NOTHING, ChatRequest, Delta, Message


class LocalBackend(ChatBackend):
    """OPTIONS:

    model            a name at Hugging Face, or a folder with a model in safetensors format
    revision         a branch, tag or commit at Hugging Face
    dtype            "auto" (as the weights were saved), "float32", "bfloat16" or "float16"
    device           "auto" (a GPU when there is one), "cpu", "cuda", "cuda:1", "mps"
    four_bit         True: weights in four bits (bitsandbytes' nf4), a quarter of the memory
    batch            replies written at once (8); whoever comes later waits in line
    max_new_tokens   tokens of a reply when the request names no limit (512)
    timeout          seconds of silence of the loaded model after which its process is replaced (300)
    threads          of the processor; by default all but one, which stays for the site itself
    preload          True: load when the site starts, not with the first message
    unload_after     idle minutes after which the model leaves the memory (60); 0: never
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
        four_bit: bool = False,
        batch: int = 8,
        max_new_tokens: int = 512,
        timeout: float = 300,
        threads: int | None = None,
        preload: bool = False,
        unload_after: float = 60,
        **options: Any,
    ):
        super().__init__(alias, **options)
        threads = threads or max(1, (os.cpu_count() or 2) - 1)
        self.source = Source(model, revision or None, dtype, device, four_bit, threads, max(1, batch))
        self.label = self.source.path.name  # type: ignore[misc]
        self.max_new_tokens = max_new_tokens
        self.timeout = timeout
        self.preload = preload
        self.unload_after = unload_after
        self._lock = threading.Lock()
        self._process: ModelProcess | None = None
        self._rest: threading.Timer | None = None

    def models(self) -> Sequence[dict[str, Any]]:
        name = self.label if self.source.is_path else self.source.model
        entry = {"model_id": name, "label": self.label, "use_case": _("On this machine")}
        return [entry | dict(self.source.described())]

    def check_parameters(self, given: Mapping[str, Any]) -> Iterable[str]:
        return check(given)

    def count_tokens(
        self, messages: Sequence[Message], model: str, parameters: Mapping[str, Any] = NOTHING
    ) -> int | None:
        process = self._process
        if process is None or not process.is_ready or any(self.check_parameters(parameters)):
            return None
        turns, read = turns_of(messages), Parameters.from_mapping(parameters).as_dict()
        return process.count({"turns": turns, "parameters": read}) if turns else 0

    async def stream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        """What is waited for, then the reply as it is written. Raises BackendError."""
        question = self._question(request)
        process = await asyncio.to_thread(self._running)
        id_, reply = process.ask(question)
        try:
            async with aclosing(self._deltas(reply)) as deltas:
                async for delta in deltas:
                    yield delta
        except BackendTimeout:
            await asyncio.to_thread(self._give_up, process)
            raise
        finally:
            process.leave(id_)

    async def _deltas(self, reply: Reply) -> AsyncIterator[Delta]:
        told = ""
        async with aclosing(reply.news(self.timeout)) as news:
            async for piece in news:
                if isinstance(piece, str):
                    yield Delta(piece)
                elif isinstance(piece, Outcome):
                    yield Delta(finish_reason=piece.finish_reason, usage=piece.usage)
                elif (sentence := piece.sentence) != told:
                    told = sentence
                    yield Delta(metadata={"waiting": sentence})

    def _question(self, request: ChatRequest) -> dict[str, Any]:
        """Raises BackendError if the catalogue's parameters make no sense, or nothing was said."""
        for sentence in self.check_parameters(request.parameters):
            raise BackendError(sentence)
        turns = turns_of(request.messages)
        if not any(turn["role"] != "system" for turn in turns):
            raise BackendError(_("There is nothing to answer: the message is empty."), status=400)
        return {
            "turns": turns,
            "sampling": Sampling.from_options(request.options, self.max_new_tokens).as_dict(),
            "parameters": Parameters.from_mapping(request.parameters).as_dict(),
        }

    def _running(self) -> ModelProcess:
        """The model's process, started if need be. After a failure the next reply starts another."""
        if self.source.is_path and not self.source.path.is_dir():
            raise Fault("missing_path", model=self.source.model).as_error()
        with self._lock:
            if self._rest is not None:
                self._rest.cancel()
            if self._process is None or not self._process.is_alive:
                self._process = ModelProcess(self.source)
                self._process.on_idle = self._rest_soon
            return self._process

    def _give_up(self, process: ModelProcess) -> None:
        """It is stuck, and everybody after would wait for it: with the next message another one starts."""
        with self._lock:
            if self._process is process:
                self._process = None
        process.close(patience=0)

    def prepare(self) -> None:
        if self.preload:
            self._running()

    def _rest_soon(self) -> None:
        """Nobody is being answered: unless somebody comes, the model leaves the memory after a while."""
        if not self.unload_after:
            return
        with self._lock:
            if self._rest is not None:
                self._rest.cancel()
            self._rest = threading.Timer(60 * self.unload_after, self._unload)
            self._rest.daemon = True
            self._rest.start()

    def _unload(self) -> None:
        with self._lock:
            process = self._process
            if process is None or not process.is_idle:
                return
            self._process = None
        process.close()

    async def aclose(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            if self._rest is not None:
                self._rest.cancel()
        if process is not None:
            await asyncio.to_thread(process.close)

    def check(self) -> Iterable[CheckMessage]:
        return check_source(self.source, self.alias)
