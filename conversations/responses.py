"""What a send is answered with: fragments for our script, pages and redirects for any other browser.

Whatever goes wrong, the text that a person typed is in the answer, or kept for after the log-in.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from conversations import composing, pages
from conversations.cleaning import whole_number
from conversations.composing import Composer
from conversations.errors import ChatError
from conversations.forms import TEMPORARY, wish_fields
from conversations.models import Conversation, Generation
from conversations.services import by_id, start_conversation
from conversations.streaming import is_followed_up
from conversations.streaming.executors import in_database
from conversations.types import Transcript

DRAFT = "draft"
EVENT_STREAM = "text/event-stream"
AUTHOR_COOKIE = "author"


class EventStream(StreamingHttpResponse):
    """Frames as they come: bytes, passed on without the two generators that Django puts around each."""

    def __init__(self, frames: AsyncIterator[bytes]):
        super().__init__(frames, content_type=EVENT_STREAM)
        self.frames = frames

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.frames


class LoggedOut(ChatError):
    status = 401
    code = "logged_out"


class StaleForm(ChatError):
    status = 403
    code = "stale_form"


def is_fetch(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


async def turn_response(request: HttpRequest, *generations: Generation, is_retry: bool = False) -> HttpResponse:
    """The accepted turn: a fragment with its messages, several answers if models are compared, or the chat's page."""
    first = generations[0]
    if not is_fetch(request):
        url = reverse("conversations:show", args=[first.conversation_id])
        at = first.reply_id if len(generations) == 1 else first.user_message_id
        return HttpResponse(status=303, headers={"Location": f"{url}#m-{at}"})
    # Asked before the title is read: what is not in the page then, the stream still brings.
    followed_up = {generation.pk for generation in generations if is_followed_up(generation)}
    return await in_database(_turn, request, generations, is_retry, followed_up)


def _turn(
    request: HttpRequest, generations: tuple[Generation, ...], is_retry: bool, followed_up: set[UUID]
) -> HttpResponse:
    context = pages.turn_context(generations, is_retry=is_retry, followed_up=followed_up)
    return render(request, "conversations/_turn.html", context)


async def refusal(request: HttpRequest, conversation: Conversation, error: ChatError) -> HttpResponse:
    """The composer again, with the text, the reason, a fresh token and a fresh key."""
    return await sync_to_async(_composer_again)(request, conversation, error)


def stale_form(request: HttpRequest) -> HttpResponse:
    """A form from before a log-in or log-out: the same text can be sent again at once."""
    if not request.user.is_authenticated:
        return logged_out(request)
    conversation = _named(request) or start_conversation(request.user, is_temporary=TEMPORARY in request.POST)
    error = StaleForm(_("This page was out of date. Your text is still here: send it again."))
    return _composer_again(request, conversation, error)


def logged_out(request: HttpRequest) -> HttpResponse:
    """Nobody is logged in. Scripts get 401; a browser goes to the log-in page, and what it sent is kept."""
    match = request.resolver_match
    here = request.get_full_path() if request.method == "GET" else _page_of(match)
    login_url = redirect_to_login(here).url
    content = request.POST.get("content", "")
    if is_fetch(request) and content:
        error = LoggedOut(_("You have been logged out. Log in again: your text is kept."))
        composer = Composer(
            action=request.path,
            parent_id=request.POST.get("parent_id", ""),
            login_url=login_url,
            is_temporary=_says_temporary(request),
        )
        return _render_composer(request, _refused(request, composer, error), error)
    if is_fetch(request) or match.url_name == "follow":
        return HttpResponse(status=401)
    author = request.get_signed_cookie(AUTHOR_COOKIE, default="", salt=AUTHOR_COOKIE)
    if author and content.strip() and not _says_temporary(request):  # a session is stored
        request.session[DRAFT] = {"author": author, "content": content[: settings.CHAT_MAX_MESSAGE_LENGTH]}
    return redirect(login_url)


def remember_author(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Who uses this browser, so that what is sent after the session ended is given back to nobody else."""
    author = str(request.user.pk)
    if request.get_signed_cookie(AUTHOR_COOKIE, default="", salt=AUTHOR_COOKIE) != author:
        response.set_signed_cookie(
            AUTHOR_COOKIE,
            author,
            salt=AUTHOR_COOKIE,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
            max_age=settings.SESSION_COOKIE_AGE * 2,
        )
    return response


def keep_draft(request: HttpRequest, content: str) -> None:
    """Text that this person's next page of a chat holds in its composer."""
    request.session[DRAFT] = {"author": str(request.user.pk), "content": content}


def take_draft(request: HttpRequest) -> str:
    """What this person sent while logged out, or took back, once."""
    draft = request.session.pop(DRAFT) if DRAFT in request.session else {}
    return draft.get("content", "") if draft.get("author") == str(request.user.pk) else ""


def _page_of(match) -> str:
    if "conversation_id" in match.kwargs:
        return reverse("conversations:show", args=[match.kwargs["conversation_id"]])
    return reverse("conversations:home")


def _says_temporary(request: HttpRequest) -> bool:
    """Whether what was sent, by nobody who is known, is for a temporary chat: by its form, or by its address."""
    conversation_id = request.resolver_match.kwargs.get("conversation_id")
    if TEMPORARY in request.POST or conversation_id is None:
        return TEMPORARY in request.POST
    return Conversation.objects.filter(pk=conversation_id, is_temporary=True).exists()


def _named(request: HttpRequest) -> Conversation | None:
    """The conversation in the address, if there is one and it is this person's."""
    conversation_id = request.resolver_match.kwargs.get("conversation_id")
    try:
        return by_id(request.user, conversation_id, temporary=True) if conversation_id else None
    except ChatError:
        return None


def _composer_again(request: HttpRequest, conversation: Conversation, error: ChatError) -> HttpResponse:
    if is_fetch(request):
        composer = composing.composer(conversation, Transcript(leaf=request.POST.get("parent_id") or None))
        return _render_composer(request, _refused(request, composer, error), error)
    saved = None if conversation._state.adding else conversation
    context = pages.chat_context(request.user, saved)
    if context["lacks"]:
        context["composer"] = composing.composer(saved, Transcript(leaf=request.POST.get("parent_id") or None))
    context["composer"] = _refused(request, context["composer"], error)
    return with_delay(render(request, "conversations/chat.html", context, status=error.status), error)


def _refused(request: HttpRequest, composer: Composer, error: ChatError) -> Composer:
    """With all that was sent, to be sent again."""
    numbers = map(whole_number, request.POST.getlist("models"))
    again = composer.refused(request.POST.get("content", ""), error)
    return replace(again, wishes=wish_fields(request.POST), compared=tuple(pk for pk in numbers if pk is not None))


def _render_composer(request: HttpRequest, composer: Composer, error: ChatError) -> HttpResponse:
    context = {"composer": composer}
    return with_delay(render(request, "conversations/_composer.html", context, status=error.status), error)


def with_delay(response: HttpResponse, error: ChatError) -> HttpResponse:
    """Retry-After, where the error says when."""
    if error.retry_after is not None:
        response["Retry-After"] = str(math.ceil(error.retry_after))
    return response
