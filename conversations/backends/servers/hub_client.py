"""huggingface_hub's client, and what it raises. Imported with the first reply: it costs 0.2 s and 13 MB."""

from __future__ import annotations

from typing import Any

import httpx2
from huggingface_hub import AsyncInferenceClient, ChatCompletionStreamOutput, set_async_client_factory
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError, TextGenerationError

from conversations.backends.servers.hub_transport import TappedTransport
from conversations.backends.servers.limits import Limits
from conversations.backends.servers.pace import OpenStreams
from conversations.backends.servers.per_loop import PerLoop
from conversations.backends.servers.refusal import Refusal
from conversations.backends.servers.sentences import Sentences
from conversations.errors import BackendError

MALFORMED = (ValueError, TypeError, AttributeError, KeyError, RecursionError)
"""What the library raises on an answer that is not JSON or not of the expected shape."""


class SharedClient(httpx2.AsyncClient):
    """Outlives the AsyncInferenceClient of one reply, which enters and leaves it as if it were its own."""

    async def __aenter__(self) -> SharedClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class WebPage(Exception):
    """What answered is a web site, not a model."""


async def _look_at(response: httpx2.Response) -> None:
    if response.status_code >= 300:
        await response.aread()  # the library leaves out bodies without a length
        if response.status_code < 400:  # and takes a redirect for an answer
            raise httpx2.HTTPStatusError("A redirect", request=response.request, response=response)
    elif response.headers.get("content-type", "").startswith("text/html"):
        raise WebPage


def _open_client() -> SharedClient:
    return SharedClient(
        transport=TappedTransport(streams.get),
        timeout=None,
        follow_redirects=False,  # a wrong base_url; the prompt and secret headers are for no other host
        headers={"Accept-Encoding": "identity"},  # compressed events arrive late, and cost time to unpack
        event_hooks={"response": [_look_at]},
    )


streams = PerLoop(OpenStreams)
clients = PerLoop(_open_client)
set_async_client_factory(clients.get)


def inference_client(base_url: str, api_key: str, limits: Limits, **options: Any) -> AsyncInferenceClient:
    """A client for one reply. One for all would keep each reply's response open until it is itself closed."""
    timeout: Any = httpx2.Timeout(None, connect=limits.connect)  # silence is measured by Watch
    return AsyncInferenceClient(base_url=base_url, api_key=api_key, timeout=timeout, **options)


def refusal_of(error: HfHubHTTPError | httpx2.HTTPStatusError) -> Refusal:
    return Refusal.from_response(error.response.status_code, error.response.headers, error.response.content)


def plain(chunk: ChatCompletionStreamOutput) -> dict[str, Any]:
    """The chunk as it came: the library's objects keep fields it does not know as attributes, but not as items."""
    choices = [{"delta": choice.delta, "finish_reason": choice.finish_reason} for choice in chunk.choices or ()]
    sources = {name: getattr(chunk, name, None) for name in ("citations", "search_results")}
    return {"choices": choices, "usage": chunk.usage, **sources}


async def close_stale() -> None:
    """What event loops that have ended left open."""
    streams.pop_closed()
    for client in clients.pop_closed():
        await client.aclose()


async def close() -> None:
    client = clients.pop()
    if client is not None:
        await client.aclose()


async def get(url: str, api_key: str, limits: Limits) -> bytes:
    """The body. Raises httpx2.HTTPError."""
    headers = {"Authorization": f"Bearer {api_key}"}
    response = await clients.get().get(url, headers=headers, timeout=httpx2.Timeout(None, connect=limits.connect))
    response.raise_for_status()
    return response.content


def translated(error: Exception, sentences: Sentences, limits: Limits, *, begun: bool) -> BackendError | None:
    """The sentence for what the library or its HTTP client raised; None for anything else."""
    if isinstance(error, HfHubHTTPError | httpx2.HTTPStatusError):
        return sentences.refused(refusal_of(error))
    if isinstance(error, WebPage):
        return sentences.not_a_chat_server()
    if isinstance(error, TextGenerationError):  # `data: {"error": …}` in mid-stream
        return sentences.refused(Refusal.from_error(error.args[0] if error.args else ""))
    if isinstance(error, InferenceTimeoutError | httpx2.ConnectTimeout):
        return sentences.timed_out("connect", limits.connect)  # the only time-out that is left to the library
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
        return sentences.unreachable(error)
    if isinstance(error, httpx2.HTTPError | httpx2.StreamError):
        return sentences.broken_off(begun=begun)
    return None
