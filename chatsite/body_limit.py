"""Bodies that are too large are turned away while they arrive.

Django's ASGI handler writes a whole body to disk before it looks at its size, with or without a Content-Length.
"""

from __future__ import annotations

import asyncio
import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chatsite import errors
from chatsite.middleware import middleware_of
from chatsite.problems import IMPORT_BUSY, IMPORT_SLOW, IMPORT_TOO_LARGE, TOO_LARGE, Problem
from chatsite.transfer.tickets import PREFIX, allowance, sender

MARK = "chatsite.body_cut"  # with the problem that it was cut for
LARGE = "chatsite.large_body"
MOST_AT_ONCE = 4  # large bodies in one process, one of a person: each fills the disk while it comes
# Whoever sends less from the beginning on, beyond the first seconds, keeps others from sending theirs.
LEAST_SPEED, PATIENCE = 50_000, 30.0  # bytes a second, seconds
RETRY_AFTER = 60  # seconds


class BodyLimit:
    """ASGI middleware: at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes of a body pass; a larger one is cut and marked.

    Only what is imported may be larger, and is marked as such: by people who are known here, a few at a time.
    """

    def __init__(self, app):
        self.app = app
        self.senders: set[int] = set()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or LARGE in scope:  # what was let in is asked once more where its answer is late
            await self.app(scope, receive, send)
            return
        who = sender(scope)
        if who is None:
            problem = IMPORT_TOO_LARGE if scope.get("path", "").startswith(PREFIX) else TOO_LARGE
            await self.app(scope, _LimitedBody(scope, receive, problem), send)
        elif who in self.senders or len(self.senders) >= MOST_AT_ONCE:
            await self.app(scope, _LimitedBody(scope, receive, IMPORT_BUSY), send)
        else:
            await self._let_in(who, scope, receive, send)

    async def _let_in(self, who: int, scope, receive, send) -> None:
        self.senders.add(who)
        scope[LARGE] = True
        try:
            await self.app(scope, _LargeBody(scope, receive, IMPORT_TOO_LARGE, allowance()), send)
        finally:
            self.senders.discard(who)


class _LimitedBody:
    """`problem` is what is told of a body that does not fit."""

    def __init__(self, scope, receive, problem: Problem, room: int | None = None):
        self.scope, self.upstream = scope, receive
        self.room = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if room is None else room
        self.problem: Problem = problem
        self.is_cut = _declared_length(scope) > self.room
        self.ended = False

    async def __call__(self) -> dict:
        if self.ended:
            return await self._disconnect()
        message = {} if self.is_cut else await self._next()
        self.room -= len(message.get("body", b""))
        if self.is_cut or self.room < 0:
            self.scope[MARK] = self.problem
            message = {"type": "http.request", "body": b""}
        self.ended = not message.get("more_body", False)
        return message

    async def _next(self) -> dict:
        return await self.upstream()

    async def _disconnect(self) -> dict:
        """Django waits for this beside the response. What still arrives of a cut body is dropped, not kept."""
        while (message := await self.upstream())["type"] == "http.request":
            pass
        return message


class _LargeBody(_LimitedBody):
    """One that must come at LEAST_SPEED."""

    def __init__(self, scope, receive, problem: Problem, room: int):
        super().__init__(scope, receive, problem, room)
        self.began = time.monotonic()
        self.room_at_first = self.room

    async def _next(self) -> dict:
        arrived = self.room_at_first - self.room
        due = self.began + PATIENCE + arrived / LEAST_SPEED
        try:
            async with asyncio.timeout(due - time.monotonic()):
                return await self.upstream()
        except TimeoutError:
            self.is_cut, self.problem = True, IMPORT_SLOW
            return {}


def _declared_length(scope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(value) if value.isdigit() else 0


def _refuse(request: HttpRequest) -> HttpResponse | None:
    problem = getattr(request, "scope", {}).get(MARK)
    if problem is None:
        return None
    return errors.respond(request, problem, retry_after=RETRY_AFTER if problem.status == 503 else None)


refuse_oversized = middleware_of(before=_refuse)
