"""Every OpenAI-compatible server: OpenAI, Ollama (/v1), vLLM, TGI, llama.cpp, OpenRouter, Groq …

A lean client of our own on aiohttp, because one process holds many live replies: relaying 1,000 tokens costs
0.03 s of CPU here, and 0.10 s through huggingface_hub (400 live replies, one core).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from typing import Any

import aiohttp

from conversations.backends.servers.backend import ServerBackend
from conversations.backends.servers.event_stream import EventStreamDecoder, EventTooLong
from conversations.backends.servers.limits import Watch
from conversations.backends.servers.listing import offers
from conversations.backends.servers.pace import OpenStreams
from conversations.backends.servers.per_loop import PerLoop
from conversations.backends.servers.refusal import Refusal
from conversations.backends.servers.reply import DONE, Chunk, ReplyReader
from conversations.backends.servers.tap import (
    DRAIN,
    KEEP_ALIVE,
    MAX_ERROR_BODY,
    MAX_WHOLE_BODY,
    Readable,
    body_of,
    let_go,
    tapped_connector,
)
from conversations.errors import BackendError, BackendTimeout
from conversations.types import ChatRequest


class ChatCompletionsBackend(ServerBackend):
    """OPTIONS:

    base_url              the address up to and including /v1, for example http://localhost:11434/v1
    api_key               sent as a bearer token; empty for servers that ask for none
    models                names for the catalogue; without them the first that the server lists
    headers               more headers to send, for example {"api-key": …}
    connect_timeout       seconds until the connection stands (5)
    first_token_timeout   seconds of silence before the first token (60): longer for big models on small machines
    read_timeout          seconds of silence between tokens (60)
    deadline              seconds for the whole reply (600)
    max_length            characters after which an endless reply is cut (1,000,000)
    can_continue          the server goes on from a last message by the assistant: vLLM, transformers, llama.cpp (False)
    knows_top_k           people may set top_k: vLLM, TGI, llama.cpp, transformers know it, OpenAI does not (False)
    label                 what people are told they wait for; by default the host name
    """

    def __init__(self, alias: str = "", **options: Any):
        super().__init__(alias, **options)
        self._sessions = PerLoop(self._open_session)
        self._open_streams = PerLoop(OpenStreams)
        self._first_model = self._model_ids[0] if self._model_ids else ""

    async def aclose(self) -> None:
        session = self._sessions.pop()
        if session is not None:
            await session.close()

    async def _batches(
        self, request: ChatRequest, reply: ReplyReader, watch: Watch
    ) -> AsyncGenerator[Iterable[Chunk], None]:
        response = await self._accepted(request, watch)
        pace = self._open_streams.get().begin()
        try:
            if response.content_type == "text/html":
                raise self.sentences.not_a_chat_server()
            if response.content_type == "application/json":  # a server that does not stream
                yield (reply.parse(await self._body(response, MAX_WHOLE_BODY, watch)), DONE)
                return
            decoder, body, is_done = EventStreamDecoder(), body_of(response), False
            while not is_done:
                with watch:
                    data = await body.read()
                payloads = decoder.feed(data) if data else decoder.finish()
                if payloads:
                    yield payloads
                    is_done = payloads[-1].strip() == b"[DONE]"
                if not data:
                    return
                if not is_done:
                    pace.rest(body.transport)
            await self._drain(body, watch)
        finally:
            pace.close()
            let_go(response)

    async def _listing(self, watch: Watch) -> bytes:
        return await self._get(self.address.url("/models"), watch)

    async def _get(self, url: str, watch: Watch) -> bytes:
        """The body. Raises BackendError for whatever is no 200."""
        response = await self._request("GET", url, watch)
        if response.status != 200:
            raise self.sentences.refused(await self._refusal(response, watch))
        try:
            return await self._body(response, MAX_WHOLE_BODY, watch)
        finally:
            let_go(response)

    def _translated(self, error: Exception, watch: Watch) -> BackendError | None:
        if isinstance(error, EventTooLong):
            return self.sentences.malformed()
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return self.sentences.timed_out("connect", self.limits.connect)
        if isinstance(error, aiohttp.ClientConnectorError):
            return self.sentences.unreachable(error)
        if isinstance(error, aiohttp.ClientError):
            return self.sentences.broken_off(begun=watch.has_begun)
        return None

    async def _accepted(self, request: ChatRequest, watch: Watch) -> aiohttp.ClientResponse:
        """The response to read. Asks again without a field that the server refuses; raises BackendError otherwise."""
        model = request.model or self._first_model or await self._find_model(watch)
        while True:
            fields = self._fields.of(request)
            body = {"messages": self._fields.messages(request), "stream": True, **fields}
            if model:
                body["model"] = model
            response = await self._request("POST", self.address.url("/chat/completions"), watch, json=body)
            if 200 <= response.status < 300:
                return response
            refusal = await self._refusal(response, watch)
            if not self._fields.learn(request.model, fields, refusal):
                raise self.sentences.refused(refusal, model)

    async def _find_model(self, watch: Watch) -> str:
        """The first that the server lists; empty where it has no list: then it has but one model."""
        try:
            entries = offers(await self._listing(watch))
        except BackendTimeout:
            raise
        except (BackendError, ValueError):
            return ""
        self._first_model = entries[0].model_id if entries else ""
        return self._first_model

    async def _request(self, method: str, url: str, watch: Watch, **arguments: Any) -> aiohttp.ClientResponse:
        for stale in self._sessions.pop_closed():
            await stale.close()
        session = self._sessions.get()
        with watch:
            # A redirect is a wrong base_url; following one would turn POST into GET.
            return await session.request(method, url, allow_redirects=False, **arguments)

    async def _refusal(self, response: aiohttp.ClientResponse, watch: Watch) -> Refusal:
        try:
            body = await self._body(response, MAX_ERROR_BODY, watch)
        finally:
            let_go(response)
        return Refusal.from_response(response.status, response.headers, body)

    async def _body(self, response: aiohttp.ClientResponse, limit: int, watch: Watch) -> bytes:
        """The body, up to about `limit` bytes."""
        pieces, size = [], 0
        while size < limit:
            with watch:
                data = await response.content.readany()
            if not data:
                break
            pieces.append(data)
            size += len(data)
        return b"".join(pieces)

    async def _drain(self, body: Readable, watch: Watch) -> None:
        watch.shorten(DRAIN)
        with suppress(BackendTimeout), watch:
            await body.read()

    def _all_headers(self) -> dict[str, str]:
        # Compressed events arrive late, and cost time to unpack.
        headers = {
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "chatsite",
        }
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        elif self.address.username:
            headers["Authorization"] = aiohttp.encode_basic_auth(self.address.username, self.address.password)
        return {**headers, **self.headers}

    def _open_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers=self._all_headers(),
            connector=tapped_connector(limit=0, keepalive_timeout=KEEP_ALIVE),
            timeout=aiohttp.ClientTimeout(total=None, connect=self.limits.connect),
            cookie_jar=aiohttp.DummyCookieJar(),  # one session serves all users
            proxy=self.address.proxy(),
        )
