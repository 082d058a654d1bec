"""Bodies that are too large are turned away while they arrive.

Django's ASGI handler writes a whole body to disk before it looks at its size, with or without a Content-Length.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chatsite import errors
from chatsite.middleware import middleware_of

MARK = "chatsite.body_too_large"


class BodyLimit:
    """ASGI middleware: at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes of a body pass; a larger one is cut and marked."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            receive = _LimitedBody(scope, receive)
        await self.app(scope, receive, send)


class _LimitedBody:
    def __init__(self, scope, receive):
        self.scope, self.upstream = scope, receive
        self.room = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self.too_large = _declared_length(scope) > self.room
        self.ended = False

    async def __call__(self) -> dict:
        if self.ended:
            return await self._disconnect()
        message = {} if self.too_large else await self.upstream()
        self.room -= len(message.get("body", b""))
        if self.too_large or self.room < 0:
            self.scope[MARK] = True
            message = {"type": "http.request", "body": b""}
        self.ended = not message.get("more_body", False)
        return message

    async def _disconnect(self) -> dict:
        """Django waits for this beside the response. What still arrives of a cut body is dropped, not kept."""
        while (message := await self.upstream())["type"] == "http.request":
            pass
        return message


def _declared_length(scope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(value) if value.isdigit() else 0


def _refuse(request: HttpRequest) -> HttpResponse | None:
    return errors.too_large(request) if MARK in getattr(request, "scope", {}) else None


refuse_oversized = middleware_of(before=_refuse)
