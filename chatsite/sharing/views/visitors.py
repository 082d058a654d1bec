"""For those who try a model without an account: what it is about, and the beginning."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from chatsite import errors
from chatsite.problems import STALE_FORM
from chatsite.sharing import limits, trials
from chatsite.sharing.models import Trial
from chatsite.sharing.mount import COOKIE
from chatsite.sharing.responses import allow_frames, unindexed
from chatsite.sharing.views.readers import CLOSED
from conversations.errors import ChatError


@csrf_exempt  # there is no cookie to check a token against: a frame keeps none yet. The origin is looked at instead.
@require_http_methods(["GET", "POST"])
@unindexed
def trial(request: HttpRequest, trial: str, *, embedded: bool = False) -> HttpResponse:
    """What can be tried here; POST begins. A GET makes no guest: previews of links and robots come by GET."""
    found = Trial.objects.at(trial)
    if found is None or (embedded and not found.allowed_origins):
        return errors.respond(request, CLOSED)
    response = _begin(request, found, embedded) if request.method == "POST" else _show(request, found, embedded)
    allow_frames(response, found)
    return response


def _show(request: HttpRequest, trial: Trial, embedded: bool, error: ChatError | None = None) -> HttpResponse:
    if trial.is_open and error is None and trials.guest_of(trial, request.COOKIES.get(COOKIE, "")):
        return HttpResponseRedirect(_chat(trial))
    status = error.status if error else 200 if trial.is_open else 410
    context = {"trial": trial, "error": error, "embedded": embedded, "is_sent_back": "closed" in request.GET}
    return render(request, "sharing/trial.html", context, status=status)


def _begin(request: HttpRequest, trial: Trial, embedded: bool) -> HttpResponse:
    if not _is_from_here(request):
        return errors.respond(request, STALE_FORM, back=request.path)
    if trials.guest_of(trial, request.COOKIES.get(COOKIE, "")):
        return HttpResponseRedirect(_chat(trial))
    if not limits.may_become_guest(request):
        return errors.too_many_requests(request, retry_after=limits.GUEST_WINDOW)
    try:
        credential = trials.become_guest(trial)
    except ChatError as error:
        return _show(request, trial, embedded, error)
    response = HttpResponseRedirect(_chat(trial, credential))
    _remember(response, trial, credential, embedded)
    return response


def _is_from_here(request: HttpRequest) -> bool:
    """Every browser of today names the origin of a form. Other pages begin no trials for those who look at them."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.get_host()


def _chat(trial: Trial, credential: str = "") -> str:
    """Where the guest's chat is mounted; with the credential, until a request shows that the cookie came back."""
    base = reverse("sharing:trial", args=[trial.token])
    return f"{base}chat/~{credential}/" if credential else f"{base}chat/"


def _remember(response: HttpResponse, trial: Trial, credential: str, embedded: bool) -> None:
    """A cookie for this trial alone. In a frame it must be allowed across sites, and is kept apart for each site that
    embeds it (CHIPS), so nobody is followed from one to the other.
    """
    age = max(0, int((trial.ends_at - timezone.now()).total_seconds()))
    path = reverse("sharing:trial", args=[trial.token])
    if embedded:  # by hand: Django's set_cookie knows no Partitioned yet
        attributes = f"Path={path}; Max-Age={age}; HttpOnly; Secure; SameSite=None; Partitioned"
        response.headers["Set-Cookie"] = f"{COOKIE}={credential}; {attributes}"
    else:
        response.set_cookie(
            COOKIE,
            credential,
            max_age=age,
            path=path,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
