"""What every response gets: a request id, so that a complaint can be found in the logs, and careful headers."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

HEADER = "X-Request-ID"
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
_current: ContextVar[str] = ContextVar("request_id", default="-")
_WELL_FORMED = re.compile(r"[\w-]{8,64}\Z", re.ASCII)


def current_request_id() -> str:
    return _current.get()


def middleware_of(
    before: Callable[[HttpRequest], HttpResponse | None] = lambda request: None,
    after: Callable[[HttpRequest, HttpResponse], None] = lambda request, response: None,
    on_exception: Callable[[HttpRequest, Exception], HttpResponse | None] | None = None,
):
    """A middleware of functions that need no thread.

    `before` may answer, `after` may change the response, `on_exception` may answer for a view that raised.
    """

    @sync_and_async_middleware
    def factory(get_response):
        if iscoroutinefunction(get_response):

            async def middleware(request):
                response = before(request) or await get_response(request)
                after(request, response)
                return response
        else:

            def middleware(request):
                response = before(request) or get_response(request)
                after(request, response)
                return response

        if on_exception:
            middleware.process_exception = on_exception
        return middleware

    return factory


def _name_request(request: HttpRequest) -> None:
    """The router's id (Heroku and nginx send one) if it is well-formed, else one of our own."""
    given = request.headers.get(HEADER, "")
    request.id = given if _WELL_FORMED.match(given) else uuid.uuid4().hex
    _current.set(request.id)


def _tell_request_id(request: HttpRequest, response: HttpResponse) -> None:
    response[HEADER] = request.id


request_id = middleware_of(before=_name_request, after=_tell_request_id)


def _set_headers(request: HttpRequest, response: HttpResponse) -> None:
    """Whatever says nothing else is private and kept nowhere: after log-out, Back shows nothing."""
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)


private_by_default = middleware_of(after=_set_headers)


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id()
        return True


class SecretLinksFilter(logging.Filter):
    """The keys of links open accounts, chats and trials. They stand in paths, and paths stand in logs."""

    KEYS = re.compile(r"(/password/reset/key/\w+-|/confirm-email/|/s/|/try/|/~)[^/\s?\"]+")

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if self.KEYS.search(line):
            record.msg, record.args = self.KEYS.sub(r"\1…", line), None
        return True
