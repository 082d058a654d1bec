"""A request id on every response, error page and log line, so that a complaint can be found in the logs."""

from __future__ import annotations

import logging
import re
import uuid
from contextvars import ContextVar

from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware

HEADER = "X-Request-ID"
_current: ContextVar[str] = ContextVar("request_id", default="-")
_WELL_FORMED = re.compile(r"[\w-]{8,64}\Z", re.ASCII)


def current_request_id() -> str:
    return _current.get()


def _begin(request) -> str:
    """The router's id (Heroku and nginx send one) if it is well-formed, else one of our own."""
    given = request.headers.get(HEADER, "")
    request.id = given if _WELL_FORMED.match(given) else uuid.uuid4().hex
    _current.set(request.id)
    return request.id


@sync_and_async_middleware
def request_id(get_response):
    if iscoroutinefunction(get_response):

        async def middleware(request):
            name = _begin(request)
            response = await get_response(request)
            response[HEADER] = name
            return response
    else:

        def middleware(request):
            name = _begin(request)
            response = get_response(request)
            response[HEADER] = name
            return response

    return middleware


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id()
        return True
