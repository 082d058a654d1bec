"""The chat of a guest: the site's own chat, mounted below the address of a trial.

    /try/<trial>/chat/…                 the guest is known by a cookie
    /try/<trial>/chat/~<credential>/…   or, where a browser keeps no cookie of ours in a frame, by the address

The prefix becomes the script's name, so that each address in a page leads below it again. Of the browser's cookies none
reaches the chat but the guest's own: session and form secret are derived from the guest's credential, so a member who
tries a link stays who they are elsewhere. No cookie leaves, either.

Forms are protected by Django's own check, with that form secret in the place of its cookie: whoever forges a request
knows neither the credential nor the token made of it.

Whoever opens an address with a credential is that guest. So a page of that kind is shown in a frame alone: a link to it
could be planted, and what its reader writes would be read by whoever planted it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import get_script_prefix, set_script_prefix
from django.utils.decorators import sync_and_async_middleware

from chatsite.sharing import trials
from chatsite.sharing.models import Guest, Trial
from chatsite.sharing.responses import allow_frames, forbid_index
from conversations.responses import EventStream, is_fetch
from conversations.streaming.executors import in_database

PLACE = re.compile(r"(?P<base>/try/(?P<token>[\w-]{43})/)chat(?:/~(?P<credential>[\w-]{43}))?(?P<rest>/.*)", re.ASCII)
COOKIE = "guest"
DOCUMENTS = {"document", "iframe", "frame", "embed", "object", "fencedframe"}
ADDRESS = re.compile(rb'\b([a-z-]+)=\\"(/[cg]/[0-9a-f-]{36}/)')  # in an attribute of HTML within JSON


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a guest's chat a request goes. `is_named`: its address holds the credential."""

    base: str
    prefix: str
    rest: str
    token: str
    credential: str
    is_named: bool
    has_cookie: bool


def _place(request: HttpRequest) -> Place | None:
    if not request.path_info.startswith("/try/") or not (match := PLACE.fullmatch(request.path_info)):
        return None
    cookie = request.COOKIES.get(COOKIE, "")
    named = match["credential"] or ""
    prefix = request.path_info[: match.start("rest")]
    has_cookie = bool(cookie) and named in ("", cookie)
    return Place(match["base"], prefix, match["rest"], match["token"], named or cookie, bool(named), has_cookie)


@sync_and_async_middleware
def guest_mount(get_response):
    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            place = _place(request)
            if place is None:
                return await get_response(request)
            trial, guest = await in_database(_look_up, place)
            refusal = _enter(request, place, trial, guest)
            response = refusal or await get_response(request)
            return _leave(response, place, trial)
    else:

        def middleware(request: HttpRequest) -> HttpResponseBase:
            place = _place(request)
            if place is None:
                return get_response(request)
            outside = get_script_prefix()
            try:
                trial, guest = _look_up(place)
                response = _enter(request, place, trial, guest) or get_response(request)
                return _leave(response, place, trial)
            finally:
                set_script_prefix(outside)  # the next request of this thread stands elsewhere

    return middleware


def _look_up(place: Place) -> tuple[Trial | None, Guest | None]:
    trial = Trial.objects.at(place.token)
    return trial, trials.guest_of(trial, place.credential) if trial else None


def _enter(request: HttpRequest, place: Place, trial: Trial | None, guest: Guest | None) -> HttpResponse | None:
    """Make the request one of the guest; or an answer, where it can be none."""
    if trial is None or guest is None:
        return _turned_away(request, place)
    if place.is_named and place.has_cookie and request.method == "GET" and not is_fetch(request):
        query = request.META.get("QUERY_STRING", "")
        clean = f"{place.base}chat{place.rest}"
        return HttpResponseRedirect(f"{clean}?{query}" if query else clean)  # the cookie does: nobody needs to see it
    if place.is_named and not place.has_cookie and not _is_within_frame(request, place, trial):
        return HttpResponse(status=401) if request.method != "GET" else HttpResponseRedirect(f"{place.base}?closed")
    if request.method == "GET" and not trial.is_open and not is_fetch(request) and "/events/" not in place.rest:
        return HttpResponseRedirect(place.base)
    request.guest, request._cached_user = guest, guest.user
    language = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    request.COOKIES = {
        settings.SESSION_COOKIE_NAME: guest.session_key,
        settings.CSRF_COOKIE_NAME: trials.form_secret_of(place.credential),
        **({settings.LANGUAGE_COOKIE_NAME: language} if language else {}),
    }
    request.path_info = place.rest
    set_script_prefix(f"{place.prefix}/")
    return None


def _is_within_frame(request: HttpRequest, place: Place, trial: Trial) -> bool:
    """Whether this is no page in a window of its own. Scripts, streams and pictures show nobody a page.

    Browsers of before 2023, and all where there is no encryption, do not say. There a page must have been reached from
    the page that begins a trial in a frame, or from the chat itself: no other site can make that up.
    """
    if is_fetch(request) or "/events/" in place.rest:
        return True
    kind = request.headers.get("Sec-Fetch-Dest")
    if kind is not None and kind not in DOCUMENTS:
        return True
    if not trial.allowed_origins:
        return False
    if kind is not None:
        return kind == "iframe"
    before = urlsplit(request.headers.get("Referer", ""))
    is_ours = before.netloc == request.get_host()
    return is_ours and (before.path == f"{place.base}embed/" or before.path.startswith(f"{place.prefix}/"))


def _turned_away(request: HttpRequest, place: Place) -> HttpResponse:
    """Nobody's chat. Scripts and streams get 401; a browser goes to where one begins."""
    if request.method != "GET" or is_fetch(request) or "/events/" in place.rest:
        return HttpResponse(status=401)
    embedded = request.headers.get("Sec-Fetch-Dest") == "iframe"
    return HttpResponseRedirect(f"{place.base}embed/" if embedded else place.base)


def _leave(response: HttpResponseBase, place: Place, trial: Trial | None) -> HttpResponseBase:
    response.cookies.clear()
    forbid_index(response)
    if trial is not None:
        allow_frames(response, trial)
    if isinstance(response, EventStream):
        response.frames = _below(response.frames, place.prefix.encode())
    return response


async def _below(frames: AsyncIterator[bytes], prefix: bytes) -> AsyncIterator[bytes]:
    """Addresses in live HTML are made once for all readers, outside of any request: here they get their prefix."""
    async with aclosing(frames):
        async for frame in frames:
            yield ADDRESS.sub(rb'\1=\\"' + prefix + rb"\2", frame)
