"""The process in which the model lives, seen from the server's.

Lines of JSON go both ways. To the model: `ask` (id, turns, sampling, parameters), `leave` (id) and `count` (id, turns,
parameters). From it: `loading` (phase, done, total), `ready`, `alive`, `fetching` (id), `place` (id, ahead), `text`
(texts by id), `end` (id, finish_reason, tokens), `count` (id, tokens) and `fault` (id, or None if the model could not
be loaded).
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from conversations.backends.local.faults import Fault
from conversations.backends.local.reply import Outcome, Pulse, Reply, Waiting
from conversations.backends.local.source import Source
from conversations.types import Usage

PATIENCE = 5.0  # seconds for a process to end by itself
COUNTING = 0.2  # seconds for counting the tokens of a prompt


class ModelProcess:
    """Starts with the object, and ends with `close` or by itself. Its methods may be called from any thread."""

    def __init__(self, source: Source):
        self._source = source
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._replies: dict[int, Reply] = {}
        self._counts: dict[int, Future[int | None]] = {}
        self._fault: Fault | None = None
        self._state: Waiting | None = Waiting("start")  # None once it is ready
        self._pulse = Pulse(is_loading=True)
        self._is_closed = False
        self.on_idle: Callable[[], None] = lambda: None
        command = [sys.executable, "-m", f"{__package__}.worker", source.to_json()]
        self._outbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(  # noqa: S603  our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii", env=_environment()
        )
        threading.Thread(target=self._read, name="local-model", daemon=True).start()
        threading.Thread(target=self._write, name="local-model-asking", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self._fault is None and not self._is_closed

    @property
    def is_ready(self) -> bool:
        return self._state is None and self.is_alive

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_idle(self) -> bool:
        return not self._replies

    def ask(self, question: dict[str, Any]) -> tuple[int, Reply]:
        """Put a question to the model; an answer, or what went wrong, comes into the reply."""
        reply = Reply(self._pulse)
        with self._lock:
            id_ = next(self._ids)
            self._replies[id_] = reply
            if self._fault:
                reply.end(self._fault.as_error())
            elif self._state:
                reply.wait_for(self._state)
        self._send({"kind": "ask", "id": id_, **question})
        return id_, reply

    def leave(self, id_: int) -> None:
        """Nobody waits for it any more: its place is free within a token."""
        with self._lock:
            reply = self._replies.pop(id_, None)
            is_idle = not self._replies
        if reply is not None and not reply.has_ended:
            self._send({"kind": "leave", "id": id_})
        if reply is not None and is_idle:
            self.on_idle()

    def count(self, prompt: dict[str, Any]) -> int | None:
        """The tokens of a prompt; None where they cannot be counted at once."""
        if not self.is_ready:
            return None
        id_, promise = next(self._ids), Future()
        self._counts[id_] = promise
        self._send({"kind": "count", "id": id_, **prompt})
        try:
            return promise.result(COUNTING)
        except TimeoutError:
            return None
        finally:
            del self._counts[id_]

    def _send(self, message: dict[str, Any]) -> None:
        self._outbox.put(message)

    def _write(self) -> None:
        """In a thread of its own: a pipe that nobody empties blocks, and event loops send, too."""
        with suppress(OSError), self._process.stdin as lines:  # it has ended: the thread that reads will say so
            while (message := self._outbox.get()) is not None:
                lines.write(f"{json.dumps(message)}\n")
                lines.flush()

    def _read(self) -> None:
        with self._process.stdout as lines:
            for line in lines:
                self._hear(json.loads(line))
        self._over(self._process.wait())

    def _hear(self, message: dict[str, Any]) -> None:
        if message["kind"] not in ("loading", "count"):  # another thread counts, and would while the model is stuck
            self._pulse.beat()
        getattr(self, f"_hear_{message.pop('kind')}")(**message)

    def _hear_loading(self, phase: str, done: int, total: int) -> None:
        with self._lock:
            self._state = Waiting(phase, done, total)
            for reply in self._replies.values():
                reply.wait_for(self._state)

    def _hear_ready(self) -> None:
        with self._lock:
            self._state = None
            for reply in self._replies.values():
                reply.tell()  # from now on silence counts

    def _hear_alive(self) -> None:
        """That it came is all that it says."""

    def _hear_fetching(self, id: int) -> None:
        if reply := self._replies.get(id):
            reply.wait_for(Waiting("weights"))

    def _hear_place(self, id: int, ahead: int) -> None:
        if reply := self._replies.get(id):
            reply.wait_for(Waiting("line", ahead))

    def _hear_text(self, texts: dict[str, str]) -> None:
        for id_, text in texts.items():
            if reply := self._replies.get(int(id_)):
                reply.add(text)

    def _hear_count(self, id: int, tokens: int | None) -> None:
        if promise := self._counts.get(id):
            promise.set_result(tokens)

    def _hear_end(self, id: int, finish_reason: str, prompt_tokens: int, completion_tokens: int) -> None:
        if reply := self._replies.get(id):
            reply.end(Outcome(finish_reason, Usage(prompt_tokens, completion_tokens)))

    def _hear_fault(self, id: int | None, fault: dict[str, Any]) -> None:
        if id is None:
            self._fault = Fault.from_dict(fault)
        elif reply := self._replies.get(id):
            reply.end(Fault.from_dict(fault).as_error())

    def _over(self, status: int) -> None:
        """The process has ended: those who still wait are told why."""
        self._outbox.put(None)
        with self._lock:
            if self._fault is None:
                killed = status == -signal.SIGKILL and not self._is_closed
                self._fault = Fault("killed" if killed else "ended", model=self._source.model)
            for reply in self._replies.values():
                reply.end(self._fault.as_error())

    def close(self, patience: float = PATIENCE) -> None:
        """End it: replies that are being written end as interrupted. Blocks for seconds at most."""
        self._is_closed = True
        self._outbox.put(None)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # a driver may hold it: then the kernel ends it later
                self._process.wait(PATIENCE)


def _environment() -> dict[str, str]:
    """The server's own, less what a model must not know, and with the places where this package was found."""
    kept = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "DATABASE_URL")}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "TOKENIZERS_PARALLELISM": "false"}
