"""An OpenAI-compatible model server for tests: real HTTP on loopback, every fault on order.

    with Upstream() as upstream:
        backend = ChatCompletionsBackend("server", base_url=upstream.url)
        upstream.enqueue("Hello", " there")              # two chunks, then finish reason, usage and [DONE]
        upstream.enqueue("Hel", CUT)                     # the connection breaks off
        upstream.enqueue("a", gate, "b")                 # waits for a threading.Event in between
        upstream.enqueue(Answer(429, headers={"Retry-After": "7"}))
        ...
        upstream.exchanges[-1].body["messages"]          # what was asked
        upstream.exchanges[-1].was_abandoned(5)          # the client closed before the end

With nothing enqueued the model name chooses the reply (REPLIES; "status-503", "words-100"); any other
name repeats the last message, word by word.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


class _Mark:
    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return self.name


CUT = _Mark("CUT")  # reset the connection
CLOSE = _Mark("CLOSE")  # end the stream in good order, without finish reason and [DONE]
HANG = _Mark("HANG")  # keep the connection open, send nothing more
ENDLESS = _Mark("ENDLESS")  # words, until the client goes
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Answer:
    """An answer that is no event stream."""

    status: int = 200
    body: Any = None  # bytes as they are; anything else as JSON; None: an error object
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Headers:
    """As the first step: other headers for the stream."""

    headers: Mapping[str, str]


@dataclass
class Exchange:
    """One request, and what became of it."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    client_port: int = 0  # the same for requests on one connection
    ended: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    sent: list[float] = field(default_factory=list)  # when each piece of text was written, monotonic

    def was_abandoned(self, timeout: float = 5) -> bool:
        """Wait for the end of the exchange; True if it was the client that ended it early."""
        return self.ended.wait(timeout) and self.abandoned


def chunk(text: str | None = None, finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """A chunk of `/chat/completions`; keywords are further fields of its delta."""
    if text is not None:
        delta["content"] = text
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "test",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }


LOADING = Answer(503, {"error": "Model test is currently loading", "estimated_time": 23.5})

REPLIES: dict[str, tuple[Any, ...]] = {
    "hang": (HANG,),
    "silent": ("Hel", HANG),
    "cut": ("Hel", CUT),
    "cut-before": (CUT,),
    "unfinished": ("Hel", CLOSE),
    "empty": (),
    "garbage": ("Hel", b"data: {oops \x00 not json\n\n", "lo"),
    "latin1": ("Hel", 'data: {"choices":[{"delta":{"content":"\xe9"}}]}\n\n'.encode("latin-1"), "lo"),
    "error": ("Hel", {"error": {"message": "CUDA error: device-side assert", "type": "server_error"}}),
    "endless": (ENDLESS,),
    "page": (Answer(200, b"<!doctype html><title>Welcome</title>", {"Content-Type": "text/html"}),),
    "loading": (LOADING,),
    "thinks": (chunk(reasoning_content="Let me see."), "The answer is 84."),
}


class Upstream:
    """The server, in a thread with an event loop of its own. Use it as a context manager.

    `answer` makes the steps (see enqueue) for the body of a request for which nothing is enqueued.
    """

    def __init__(self, answer: Callable[[Mapping[str, Any]], tuple[Any, ...]] | None = None) -> None:
        self._answer = answer or _steps_for
        self.exchanges: list[Exchange] = []
        self.models: Any = {"object": "list", "data": [{"id": name, "object": "model"} for name in REPLIES]}
        self.tags: Any = Answer(404)  # what Ollama lists at /api/tags
        self._queue: deque[tuple[Any, ...]] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL, up to and including /v1."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def open(self) -> int:
        """How many replies are being written at this moment."""
        return sum(not exchange.ended.is_set() for exchange in self.exchanges)

    def enqueue(self, *steps: Any) -> None:
        """What the next request is answered with.

        Text and dicts become chunks, bytes are written as they are, a number is a pause in seconds, an Event is
        waited for, and the marks above do what they say. A stream without such a mark ends with a finish
        reason, usage (if asked for) and [DONE].
        """
        self._queue.append(steps)

    def __enter__(self) -> Upstream:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._list)
        app.router.add_get("/api/tags", self._list)
        # Cancellation is how a handler learns that its client has gone.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener).start()

    async def _list(self, request: web.Request) -> web.Response:
        self.exchanges.append(exchange := Exchange(request.path, dict(request.headers), {}))
        exchange.ended.set()
        listing = self.tags if request.path == "/api/tags" else self.models
        if listing is HANG:
            await asyncio.Event().wait()
        return _plain(listing) if isinstance(listing, Answer) else web.json_response(listing)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        port = request.transport.get_extra_info("peername")[1]
        exchange = Exchange(request.path, dict(request.headers), await request.json(), port)
        self.exchanges.append(exchange)
        try:
            steps = self._queue.popleft() if self._queue else self._answer(exchange.body)
            if len(steps) == 1 and isinstance(steps[0], Answer):
                return _plain(steps[0])
            return await _Writer(request, exchange).write(steps)
        except (asyncio.CancelledError, ConnectionError):
            exchange.abandoned = True
            raise asyncio.CancelledError from None
        finally:
            exchange.ended.set()


def _steps_for(body: Mapping[str, Any]) -> tuple[Any, ...]:
    name = str(body.get("model", ""))
    kind, _, number = name.rpartition("-")
    if kind == "status":
        return (Answer(int(number)),)
    if kind == "words":
        return tuple(f"w{i} " for i in range(int(number)))
    words = str(body["messages"][-1]["content"]).split(" ")
    return REPLIES.get(name) if name in REPLIES else (*(f"{word} " for word in words[:-1]), words[-1])


def _plain(answer: Answer) -> web.Response:
    body = {"error": {"message": "Not today", "type": "test"}} if answer.body is None else answer.body
    if isinstance(body, bytes):
        return web.Response(status=answer.status, body=body, headers=answer.headers)
    return web.json_response(body, status=answer.status, headers=answer.headers)


class _Writer:
    def __init__(self, request: web.Request, exchange: Exchange):
        self._request = request
        self._exchange = exchange
        self._words = 0

    async def write(self, steps: tuple[Any, ...]) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream; charset=utf-8"}
        if steps and isinstance(steps[0], Headers):
            headers, steps = dict(steps[0].headers), steps[1:]
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        if steps != (HANG,) and steps != (CUT,):
            await response.prepare(self._request)
        for step in steps:
            if await self._is_last(response, step):
                return response
        if DONE not in steps:
            await self._finish(response)
        return response

    async def _is_last(self, response: web.StreamResponse, step: Any) -> bool:
        if isinstance(step, str | dict | bytes):
            await self._send(response, step)
            if isinstance(step, str):
                self._exchange.sent.append(time.monotonic())
        elif isinstance(step, int | float):
            await asyncio.sleep(step)
        elif isinstance(step, threading.Event):
            while not step.is_set():  # set by another thread, while the client may go
                await asyncio.sleep(0.005)
        elif step is ENDLESS:
            while True:
                await self._send(response, "again and again ")
                await asyncio.sleep(0)
        elif step is HANG:
            await asyncio.Event().wait()
        elif step is CUT:
            self._reset()
            return True
        return step is CLOSE

    async def _send(self, response: web.StreamResponse, step: str | dict | bytes) -> None:
        if not isinstance(step, bytes):
            content = chunk(step) if isinstance(step, str) else step
            step = b"data: " + json.dumps(content).encode() + b"\n\n"
        self._words += 1
        await response.write(step)

    async def _finish(self, response: web.StreamResponse) -> None:
        await self._send(response, chunk(finish_reason="stop"))
        if (self._exchange.body.get("stream_options") or {}).get("include_usage"):
            usage = {"prompt_tokens": 12, "completion_tokens": self._words - 1}
            await self._send(response, {"choices": [], "usage": usage})
        await response.write(DONE)

    def _reset(self) -> None:
        transport = self._request.transport
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
