"""The error pages of the site, and their JSON: what happened, what to do, and the number of the request.

They are rendered without the request, so that a page about nothing looks the same to everybody.
"""

from __future__ import annotations

import logging
import math
import sys
from typing import Any

from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.template.loader import render_to_string
from django.utils.http import escape_leading_slashes
from django.utils.translation import gettext_lazy as _

from chatsite.context import site_as_known
from chatsite.middleware import middleware_of
from chatsite.problems import (
    BAD_REQUEST,
    DATABASE_AWAY,
    FORBIDDEN,
    MAIL_UNAVAILABLE,
    NOT_FOUND,
    OVERDUE,
    SERVER_ERROR,
    STALE_FORM,
    TOO_LARGE,
    TOO_MANY_REQUESTS,
    Problem,
)
from conversations import views as conversation_views
from conversations.errors import ChatError

logger = logging.getLogger("chatsite")


AWAY = (OperationalError, InterfaceError)
# In case the template itself is what went wrong.
LAST_RESORT = "<!doctype html><title>{title}</title><h1>{title}</h1><p>{message}</p><p>{request_id}</p>"


def wants_json(request: HttpRequest) -> bool:
    """Whoever does not take HTML, or prefers JSON to it."""
    return request.get_preferred_type(["text/html", "application/json"]) != "text/html"


def respond(request: HttpRequest, problem: Problem, *, retry_after: int | None = None, **shown: Any) -> HttpResponse:
    """The error page, or {"error": {"code", "message", "request_id"}}. `retry_after` in seconds.

    `shown`: what a browser's page shows besides, see errors/error.html.
    """
    context = {**site_as_known(request), **problem._asdict(), **shown}
    if wants_json(request):
        error = {"code": problem.code, "message": str(problem.message), "request_id": context["request_id"]}
        response = JsonResponse({"error": error}, status=problem.status)
    else:
        response = HttpResponse(_page(context), status=problem.status)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def _page(context: dict) -> str:
    try:
        return render_to_string("errors/error.html", context)
    except Exception:  # an error page must not fail
        logger.exception("The error page could not be rendered.")
        return LAST_RESORT.format_map(context)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)):
        return too_large(request)
    if isinstance(exception, SessionInterrupted) and (cause := _database_error(exception)):
        return _chat_error(request, cause)
    return respond(request, BAD_REQUEST)


def _database_error(exception: BaseException | None) -> BaseException | None:
    """Django takes every failure to save a session for a log-out elsewhere; what it was stands in the context."""
    while exception and not isinstance(exception, AWAY):
        exception = exception.__context__
    return exception


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, NOT_FOUND)


def too_large(request: HttpRequest) -> HttpResponse:
    return respond(request, TOO_LARGE)


def too_many_requests(request: HttpRequest, *, retry_after: int = 60) -> HttpResponse:
    return respond(request, TOO_MANY_REQUESTS, retry_after=retry_after)


def server_error(request: HttpRequest) -> HttpResponse:
    """What no view raised, but a step around it: saving the session, say."""
    return _chat_error(request, sys.exc_info()[1]) or respond(request, SERVER_ERROR)


def overdue(request: HttpRequest) -> HttpResponse:
    return respond(request, OVERDUE, retry_after=2, **_way_back(request, may_repeat=True))


def mail_unavailable(request: HttpRequest) -> HttpResponse:
    return respond(request, MAIL_UNAVAILABLE, retry_after=60)


def _chat_error(request: HttpRequest, exception: BaseException | None) -> HttpResponse | None:
    """What the heart raised and no view answered: its own sentence, on the same page, with what was typed."""
    if isinstance(exception, AWAY):
        logger.error("The database failed at %s: %s", request.path, type(exception).__name__)
        return respond(request, DATABASE_AWAY, retry_after=5, **_way_back(request, may_repeat=True))
    if not isinstance(exception, ChatError):
        return None
    if exception.status == NOT_FOUND.status:
        return respond(request, NOT_FOUND)
    logger.log(logging.ERROR if exception.status >= 500 else logging.INFO, "%s at %s", exception.code, request.path)
    problem = Problem(exception.status, exception.code, _("That did not work"), exception.message)
    delay = exception.retry_after
    wait = None if delay is None else math.ceil(delay)
    return respond(request, problem, retry_after=wait, **_way_back(request))


def _way_back(request: HttpRequest, *, may_repeat: bool = False) -> dict[str, Any]:
    """What was typed, and the page to open again (a form's address is none).

    Where it is unknown what became of a form, the page holds it, to be sent again: its key makes it one turn.
    """
    typed = _typed(request)
    found: dict[str, Any] = {"typed": typed, "back": request.path if request.method == "GET" else ""}
    if may_repeat and typed:
        fields = [(name, value) for name, value in request.POST.items() if name != "content"]
        found |= {"action": escape_leading_slashes(request.path), "fields": fields}
    return found


chat_errors = middleware_of(on_exception=_chat_error)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, with what was typed. The chat puts it back into its composer; elsewhere it can be copied."""
    of_the_chat = request.resolver_match and request.resolver_match.app_name == "conversations"
    if of_the_chat and (response := conversation_views.csrf_failure(request)):
        return response
    return respond(request, STALE_FORM, typed=_typed(request), back=request.path)


def _typed(request: HttpRequest) -> str:
    try:
        return request.POST.get("content", "")
    except (UnreadablePostError, RawPostDataException):
        return ""
