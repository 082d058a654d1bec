"""Django's middleware without a thread per step.

Under ASGI Django runs each step of its own middleware in a thread: sixteen hand-overs and more than 3 ms of CPU per
request here. These look at headers and cookies and wait for nothing, so they may run on the event loop; the two that
can reach the database say when. The order and the names stay those that every Django engineer knows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from csp.middleware import CSPMiddleware as CSP
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.middleware import AuthenticationMiddleware as Authentication
from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware as Messages
from django.contrib.sessions.middleware import SessionMiddleware as Session
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware as Common
from django.middleware.csrf import CsrfViewMiddleware as Csrf
from django.middleware.gzip import GZipMiddleware as GZip
from django.middleware.locale import LocaleMiddleware as Locale
from django.middleware.security import SecurityMiddleware
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from conversations.streaming.executors import in_database

QUICKLY_COMPRESSED = 36_000  # bytes
QUICKLY_PARSED = 32_000  # bytes of a form


class OnLoop:
    """Put before a class on MiddlewareMixin whose steps do not wait."""

    def waits(self, request: HttpRequest) -> bool:
        """Whether process_response reaches the database for this request."""
        return False

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.process_request(request) if hasattr(self, "process_request") else None
        response = response or await self.get_response(request)
        if not hasattr(self, "process_response"):
            return response
        if self.waits(request):
            return await sync_to_async(self.process_response)(request, response)
        return self.process_response(request, response)


# `manage.py check --deploy` looks for these two under Django's names, so they are changed where they stand.
for _middleware in (SecurityMiddleware, XFrameOptionsMiddleware):
    _middleware.waits, _middleware.__acall__ = OnLoop.waits, OnLoop.__acall__


class CSPMiddleware(OnLoop, CSP):
    pass


class SessionMiddleware(OnLoop, Session):
    def waits(self, request: HttpRequest) -> bool:
        return request.session.modified


class LocaleMiddleware(OnLoop, Locale):
    pass


class CommonMiddleware(OnLoop, Common):
    pass


class CsrfViewMiddleware(OnLoop, Csrf):
    """A thread reads long forms, and answers forms that are refused: that page asks the database."""

    def __init__(self, get_response):
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self._process_view

    async def _process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        check = partial(Csrf.process_view, self, request, *view)
        refuse = check() if _is_quickly_parsed(request) else await sync_to_async(check)()
        return await sync_to_async(refuse)() if refuse else None

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse | Callable[[], HttpResponse]:
        refuse = partial(super()._reject, request, reason)
        return refuse if self.async_mode else refuse()


def _is_quickly_parsed(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH", "")
    return request.method in ("GET", "HEAD") or (length.isdigit() and int(length) <= QUICKLY_PARSED)


class AuthenticationMiddleware(OnLoop, Authentication):
    """For asynchronous views the database's own threads look up who asks: Django would take one for each request.

    A request's thread keeps its connection until the request ends, and a stream of events lives long.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)  # refuses to work without sessions
        request.user = SimpleLazyObject(lambda: _speak_to(get_user(request), request))
        request.auser = partial(_user, request)


async def _user(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    user = request._cached_user if hasattr(request, "_cached_user") else await in_database(get_user, request)
    return _speak_to(user, request)


def _speak_to(user: AbstractBaseUser | AnonymousUser, request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    """From here on the request speaks the language that its sender has chosen, instead of the browser's."""
    language = getattr(user, "language", "")
    if language in dict(settings.LANGUAGES):
        translation.activate(language)
        request.LANGUAGE_CODE = language
    return user


class MessageMiddleware(OnLoop, Messages):
    def waits(self, request: HttpRequest) -> bool:
        """Messages too long for a cookie go into the session."""
        return request._messages.used or request._messages.added_new


class GZipMiddleware(OnLoop, GZip):
    """Pages compressed; never a stream of events, and nothing on the loop that takes more than a millisecond."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        response = await self.get_response(request)
        if response.streaming:
            return response
        if len(response.content) > QUICKLY_COMPRESSED:
            return await sync_to_async(self.process_response, thread_sensitive=False)(request, response)
        return self.process_response(request, response)
