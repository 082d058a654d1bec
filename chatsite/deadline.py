"""No request waits without end: what has no answer in time gets the page that says so, with what was typed.

Each service has time limits of its own (the database's drivers, S3, Redis, mail), after which a page says which one
does not answer. This is the limit over their sum, and over what has none: SQLite's lock, a name server.

The late request is not stopped, because its thread cannot be; its answer goes nowhere. Whoever writes something that
must not come after a refusal looks at `answer_by` (conversations/streaming/executors.py).
"""

from __future__ import annotations

import asyncio
import io
import logging
import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chatsite import errors
from chatsite.body_limit import LARGE
from chatsite.health import PROBES
from chatsite.middleware import middleware_of
from conversations.streaming.executors import answer_by

logger = logging.getLogger("chatsite")
MARK = "chatsite.overdue"
MOST_OVERDUE = 64  # each holds a thread; beyond, whoever comes is refused until one of them is through
LARGE_WITHIN = 25.0  # seconds: a file of hundreds of megabytes is taken out of its form first; Heroku waits for 30
FORM = b"application/x-www-form-urlencoded"


class Deadline:
    """ASGI middleware: an answer begins within ANSWER_WITHIN seconds of the request's last byte, or is a 503."""

    def __init__(self, app):
        self.app = app
        self.overdue = 0

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
        elif self.overdue >= MOST_OVERDUE:
            await self.app({**scope, MARK: True}, receive, send)
        else:
            await _Exchange(self, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, deadline: Deadline, scope, receive, send):
        self.deadline, self.scope, self.upstream, self.downstream = deadline, scope, receive, send
        self.form = io.BytesIO() if _carries_form(scope) else None
        self.timer: asyncio.TimerHandle | None = None
        self.has_begun = False
        self.is_repeated = False
        self.refusal: asyncio.Task | None = None

    async def run(self) -> None:
        try:
            await self.deadline.app(self.scope, self.receive, self.send)
        finally:
            if self.timer:
                self.timer.cancel()
            if self.refusal:
                self.deadline.overdue -= 1
                await self.refusal

    async def receive(self) -> dict:
        message = await self.upstream()
        if message["type"] == "http.request":
            if self.form:
                self.form.write(message.get("body", b""))
            if not message.get("more_body") and self.timer is None:
                self._start()
        return message

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        within = LARGE_WITHIN if LARGE in self.scope else settings.ANSWER_WITHIN
        self.timer = loop.call_later(within, self._give_up)
        answer_by.set(time.monotonic() + within)

    async def send(self, message: dict) -> None:
        if self.refusal:
            return
        if not self.has_begun:
            self.has_begun = True
            if self.timer:
                self.timer.cancel()
        await self.downstream(message)

    def _give_up(self) -> None:
        if self.has_begun:
            return
        logger.error("No answer within %g s at %s", settings.ANSWER_WITHIN, self.scope["path"])
        self.deadline.overdue += 1
        marked = {**self.scope, MARK: True}
        self.refusal = asyncio.create_task(self.deadline.app(marked, self._again, self.downstream))

    async def _again(self) -> dict:
        """The body once more, for the page that shows what was typed; afterwards whatever the server says."""
        if self.is_repeated:
            return await self.upstream()
        self.is_repeated = True
        return {"type": "http.request", "body": self.form.getvalue() if self.form else b""}


def _carries_form(scope) -> bool:
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return scope["method"] == "POST" and kind.startswith(FORM)


def _refuse(request: HttpRequest) -> HttpResponse | None:
    return errors.overdue(request) if MARK in getattr(request, "scope", {}) else None


refuse_overdue = middleware_of(before=_refuse)
