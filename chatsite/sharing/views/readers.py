"""For those who were given a link. They may be anybody, so each answer says as little as it can.

A link that never was, one that is past its day and one that is revoked are answered alike.
"""

from __future__ import annotations

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from chatsite import errors
from chatsite.problems import Problem
from chatsite.sharing import limits, links, snapshots
from chatsite.sharing.forms import PasswordForm
from chatsite.sharing.models import SharedLink
from chatsite.sharing.responses import unindexed
from conversations.access import members_only
from conversations.rendering import render as render_markdown

PAGE_SIZE = 100  # messages: whoever is a stranger may not make the site render thousands at once
PROOF = "shared"
PROOF_AGE = 24 * 60 * 60  # seconds
CLOSED = Problem(
    404,
    "not_found",
    gettext_lazy("This link opens nothing"),
    gettext_lazy("It may be mistyped, past its day, or revoked. Ask whoever gave it to you for a new one."),
)


@require_http_methods(["GET", "POST"])
@unindexed
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The copy of a chat; before it, if the link has one, the question for its password."""
    link = SharedLink.objects.at(token)
    if link is None:
        return errors.respond(request, CLOSED)
    if link.has_password and not _is_open(request, link):
        return _ask(request, link)
    if request.method == "POST":
        return redirect("sharing:shared", token)
    if _counts(request, link):
        links.count_view(link)
    page = Paginator(snapshots.loads(link.snapshot), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"link": link, "token": token, "page": page, "messages_shown": _shown(page)}
    return render(request, "sharing/shared.html", context)


@require_http_methods(["GET", "POST"])
@members_only
@unindexed
def copy(request: HttpRequest, token: str) -> HttpResponse:
    """Go on with it as a chat of one's own; asked first, because a log-in leads here by GET."""
    link = SharedLink.objects.at(token)
    if link is None:
        return errors.respond(request, CLOSED)
    if link.has_password and not _is_open(request, link):
        return redirect("sharing:shared", token)
    if request.method == "GET":
        return render(request, "sharing/copy.html", {"link": link, "token": token})
    conversation = links.continue_as_own(request.user, link)
    return redirect("conversations:show", conversation.pk)


def _ask(request: HttpRequest, link: SharedLink) -> HttpResponse:
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if not limits.may_try_password(request, link):
            return errors.too_many_requests(request, retry_after=limits.PASSWORD_WINDOW)
        if links.opens(link, form.cleaned_data["password"]):
            limits.forgive(request, link)
            return _opened(link)
        form.add_error("password", _("This password is not right. Ask whoever gave you the link."))
    return render(request, "sharing/password.html", {"form": form}, status=403 if form.errors else 200)


def _opened(link: SharedLink) -> HttpResponse:
    """A cookie for this link alone: nobody's session, and sent to no other page."""
    response = redirect("sharing:shared", link.token)
    response.set_cookie(
        PROOF,
        links.proof_of(link),
        max_age=PROOF_AGE,
        path=reverse("sharing:shared", args=[link.token]),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _is_open(request: HttpRequest, link: SharedLink) -> bool:
    return links.proves(link, request.COOKIES.get(PROOF, ""))


def _counts(request: HttpRequest, link: SharedLink) -> bool:
    """Its owner's own looks are no views, nor are those of a browser that only fetches ahead, nor later pages."""
    is_ahead = "prefetch" in request.headers.get("Sec-Purpose", "") or "page" in request.GET
    return not is_ahead and request.user.pk != link.user_id


def _shown(page: Page) -> list[dict]:
    return [{"said": said, "html": render_markdown(said.content) if said.role == "assistant" else ""} for said in page]
