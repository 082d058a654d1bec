"""Middleware on the event loop does what Django's does, and still leaves it where the database is reached."""

from __future__ import annotations

from secrets import token_hex

import pytest
from django.conf import settings as site_settings
from django.contrib import messages
from django.http import HttpResponse
from django.urls import path
from django.utils.module_loading import import_string
from django.utils.translation import get_language

from chatsite.on_loop import OnLoop


async def remember(request):
    await request.session.aset("said", request.GET["text"])
    return HttpResponse("kept")


async def recall(request):
    return HttpResponse(await request.session.aget("said", "nothing"))


async def tell(request):
    messages.info(request, request.GET["text"])
    return HttpResponse("told")


def hear(request):
    return HttpResponse(" ".join(str(message) for message in messages.get_messages(request)))


async def language(request):
    return HttpResponse(get_language())


async def who(request):
    return HttpResponse((await request.auser()).username)


urlpatterns = [path(f"{view.__name__}/", view) for view in (remember, recall, tell, hear, language, who)]
pytestmark = pytest.mark.urls(__name__)


@pytest.mark.django_db(transaction=True)
async def test_a_session_is_saved_and_found_again(async_client):
    answer = await async_client.get("/remember/", {"text": "hello"})
    assert answer.cookies[site_settings.SESSION_COOKIE_NAME]["httponly"]
    assert (await async_client.get("/recall/")).content == b"hello"


@pytest.mark.django_db(transaction=True)
async def test_a_visitor_without_a_session_gets_none(async_client):
    assert site_settings.SESSION_COOKIE_NAME not in (await async_client.get("/recall/")).cookies


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["short", token_hex(5_000)], ids=["in a cookie", "in the session"])
async def test_a_message_is_told_once(async_client, text):
    await async_client.get("/remember/", {"text": "a session that the message must join"})
    await async_client.get("/tell/", {"text": text})
    assert (await async_client.get("/hear/")).content == text.encode()
    assert (await async_client.get("/hear/")).content == b""


async def test_the_language_is_the_browsers(async_client, settings):
    settings.LANGUAGES = [("en", "English"), ("vi", "Vietnamese")]
    assert (await async_client.get("/language/", headers={"accept-language": "vi"})).content == b"vi"
    assert (await async_client.get("/language/", headers={"accept-language": "fr"})).content == b"en"


async def test_an_unknown_host_is_refused_and_every_page_has_its_policy(async_client):
    assert (await async_client.get("/language/", headers={"host": "evil.example.org"})).status_code == 400
    assert "default-src 'none'" in (await async_client.get("/language/"))["Content-Security-Policy"]


@pytest.mark.django_db(transaction=True)
async def test_whoever_logged_in_is_known(async_client, alice):
    await async_client.aforce_login(alice)
    assert (await async_client.get("/who/")).content == b"alice"


def test_all_of_djangos_middleware_that_may_run_on_the_loop_does():
    mine = [cls for cls in map(import_string, site_settings.MIDDLEWARE) if isinstance(cls, type)]
    by_thread = {cls.__name__ for cls in mine if not _stays(cls)}
    assert by_thread == {"StaticFilesMiddleware"}  # which has no such method, and takes a thread for files alone


def _stays(cls) -> bool:
    return issubclass(cls, OnLoop) or getattr(cls, "__acall__", None) is OnLoop.__acall__
