"""Django's ASGI handler without a thread per request.

Django tells `request_started` and closes each response in a thread, which it makes for that request alone: two
hand-overs and a new thread, more than the rest of a request that streams. What these look after are the connections
of that very thread, so a request that never used it needs neither.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

from asgiref.sync import sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import set_script_prefix

from conversations.responses import EventStream
from conversations.streaming.executors import has_thread


class Handler(ASGIHandler):
    async def handle(self, scope, receive, send) -> None:
        """As Django's, step by step, but for the threads."""
        try:
            body_file = await self.read_body(receive)
        except RequestAborted:
            return
        set_script_prefix(get_script_prefix(scope))
        with body_file:
            request, error_response = self.create_request(scope, body_file)
            if request is None:
                await self.send_response(error_response, send)
                await _close(error_response)
            else:
                await self._answer(request, receive, send)

    async def _answer(self, request: HttpRequest, receive, send) -> None:
        """Answer until it is done or the client has gone."""
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        answering = asyncio.create_task(self._respond(request, send))
        try:
            await asyncio.wait([leaving, answering], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, answering):
                task.cancel()
        response = None
        try:
            with suppress(RequestAborted, asyncio.CancelledError):
                await leaving
            with suppress(asyncio.CancelledError):
                response = await answering
        finally:
            await _close(response)

    async def _respond(self, request: HttpRequest, send) -> HttpResponse:
        response = await self.run_get_response(request)
        with suppress(asyncio.CancelledError):  # the client left
            await self.send_response(response, send)
        return response

    async def send_response(self, response: HttpResponse, send) -> None:
        """As Django's; frames of an event stream go out as they are, each as it comes."""
        if not isinstance(response, EventStream):
            await super().send_response(response, send)
            return
        if has_thread():  # a session that was saved, say: its connection must not wait for the stream to end
            await sync_to_async(connections.close_all)()
        headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
        cookies = [(b"Set-Cookie", c.output(header="").strip().encode("ascii")) for c in response.cookies.values()]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers + cookies})
        async with aclosing(response.frames) as frames:
            async for frame in frames:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body"})


async def _close(response: HttpResponse | None) -> None:
    """Release what the request held; `request_finished` is told in the thread whose connections are to be closed."""
    close = response.close if response else lambda: signals.request_finished.send(sender=Handler)
    if has_thread():
        await sync_to_async(close)()
    else:
        close()
