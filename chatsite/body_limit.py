"""Bodies that are too large are turned away while they arrive.

Django's ASGI handler writes a whole body to disk before it looks at its size, with or without a Content-Length.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chatsite import errors
from chatsite.middleware import middleware_of
from chatsite.transfer.tickets import PREFIX, allowance

MARK = "chatsite.body_too_large"
LARGE = "chatsite.large_body"
MOST_AT_ONCE = 4  # large bodies in one process: each fills the disk while it comes


class BodyLimit:
    """ASGI middleware: at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes of a body pass; a larger one is cut and marked.

    Only what is imported may be larger, and is marked as such: by people who are known here, a few at a time.
    """

    def __init__(self, app):
        self.app = app
        self.large = 0

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        room = allowance(scope) if self.large < MOST_AT_ONCE else None
        if room is not None:
            scope[LARGE] = True
        self.large += room is not None
        try:
            await self.app(scope, _LimitedBody(scope, receive, room), send)
        finally:
            self.large -= room is not None


class _LimitedBody:
    def __init__(self, scope, receive, room: int | None = None):
        self.scope, self.upstream = scope, receive
        self.room = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if room is None else room
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
    scope = getattr(request, "scope", {})
    if MARK not in scope:
        return None
    return errors.import_too_large(request) if scope.get("path", "").startswith(PREFIX) else errors.too_large(request)


refuse_oversized = middleware_of(before=_refuse)
