"""Adapters at Hugging Face: fetched by threads, while the model goes on for everybody else."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from conversations.backends.local.faults import Fault
from conversations.backends.local.source import is_path
from conversations.backends.local.worker import fetching
from conversations.backends.local.worker.classify import faults_of
from conversations.backends.local.worker.writing import Question

AGAIN = 60.0  # seconds after which what could not be fetched is tried again
Key = tuple[str, str | None]  # a name at Hugging Face, and its revision


class Errands:
    """Keeps questions whose adapter is being fetched; `inbox` gets `{"kind": "fetched", …}` when it is over."""

    def __init__(self, inbox: queue.SimpleQueue[dict[str, Any]], sign: Callable[[], None]):
        self._inbox = inbox
        self._sign = sign
        self._fetched: set[Key] = set()
        self._failed: dict[Key, tuple[float, Exception]] = {}
        self._kept: dict[Key, list[Question]] = {}

    def keeps(self, question: Question) -> bool:
        """Whether it must wait for its adapter. Raises what went wrong when that was fetched a moment ago."""
        key = (question.parameters.adapter, question.parameters.adapter_revision)
        if not key[0] or key in self._fetched or is_path(key[0]):
            return False
        until, error = self._failed.get(key, (0.0, None))
        if error is not None and time.monotonic() < until:
            raise error
        if key not in self._kept:
            threading.Thread(target=self._fetch, args=(key,), daemon=True).start()
        self._kept.setdefault(key, []).append(question)
        return True

    def settle(self, key: Key, error: Exception | None) -> list[Question]:
        """The questions that waited for it."""
        if error is None:
            self._fetched.add(key)
        else:
            self._failed[key] = (time.monotonic() + AGAIN, error)
        return self._kept.pop(key)

    def drop(self, ids: Iterable[int]) -> None:
        left = set(ids)
        self._kept = {
            key: [question for question in kept if question.id not in left] for key, kept in self._kept.items()
        }

    def _fetch(self, key: Key) -> None:
        error: Exception | None = None
        try:
            with faults_of(key[0]):
                self._bring(*key)
        except Exception as raised:
            error = raised
        self._inbox.put({"kind": "fetched", "key": key, "error": error})

    def _bring(self, name: str, revision: str | None) -> None:
        folder = fetching.folder_of(
            name, revision, fetching.ADAPTER, lambda *_: self._sign(), missing="adapter_missing"
        )
        if not (folder / "adapter_model.safetensors").is_file():
            raise Fault("adapter_kind", model=name)  # or the model's own thread would look for it there again
