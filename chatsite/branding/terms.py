"""Whoever must agree to the terms first is led to them."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware

from chatsite.branding.current import current, is_fresh, known
from chatsite.branding.models import SiteText
from conversations.errors import ChatError
from conversations.streaming.executors import in_database

# What one can do without having agreed: reach and read them, leave, change one's password, run the site.
FREE = ("/accounts/", "/admin/", "/site/", "/static/", "/terms/")


def has_agreed(user) -> bool:
    since = known().agreed_since
    return since is None or (user.agreed_at is not None and user.agreed_at >= since)


@sync_and_async_middleware
def terms_first(get_response):
    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> HttpResponse:
            if not is_fresh():
                with suppress(ChatError):  # the database is slow: what is known will do
                    await in_database(current)
            if _matters(request) and _must_agree(await request.auser()):
                return _led_there(request)
            return await get_response(request)
    else:

        def middleware(request: HttpRequest) -> HttpResponse:
            current()
            if _matters(request) and _must_agree(request.user):
                return _led_there(request)
            return get_response(request)

    return middleware


def _matters(request: HttpRequest) -> bool:
    branding = known()
    if hasattr(request, "guest"):  # guests of a trial agreed when they began
        return False
    return branding.must_agree and bool(branding.text(SiteText.Kind.TERMS)) and not request.path_info.startswith(FREE)


def _must_agree(user) -> bool:
    return user.is_authenticated and not has_agreed(user)


def _led_there(request: HttpRequest) -> HttpResponse:
    """A page comes back to where it was going; a script, and a form, is told 403: the page is out of date."""
    if request.method != "GET" or request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=403)
    return redirect(f"{reverse('branding:terms')}?{urlencode({'next': request.get_full_path()})}")
