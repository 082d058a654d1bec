"""For those who were given a link. They may be anybody, so each answer says as little as it can.

A link that never was, one that is past its day and one that is revoked are answered alike.
"""

from __future__ import annotations

from time import thread_time

from django.conf import settings
from django.core.paginator import Paginator
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
from conversations.presenting import source_views
from conversations.rendering import render as render_markdown

# Whoever is a stranger may not make the site render much at once.
PAGE_SIZE = 100  # messages
PAGE_LENGTH = 50_000  # characters, beyond which no further message begins
RENDERING = 0.5  # seconds of CPU for a page; what is left then is shown as it was written
PROOF = "shared"
PROOF_AGE = 24 * 60 * 60  # seconds
CLOSED = Problem(
    404,
    "not_found",
    gettext_lazy("This link opens nothing"),
    gettext_lazy("It may be mistyped, past its day, or revoked. Ask whoever gave it to you for a new one."),
)


TOO_MANY_PAGES = Problem(
    429,
    "too_many_requests",
    gettext_lazy("Too many pages at once"),
    gettext_lazy("Many pages were opened from your network within a minute. Wait a minute, then reload this page."),
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
    if not limits.may_read(request):
        return errors.respond(request, TOO_MANY_PAGES, retry_after=limits.PAGE_WINDOW)
    if request.method == "POST":
        return redirect("sharing:shared", token)
    if _counts(request, link):
        links.count_view(link)
    page = Paginator(_pages(snapshots.loads(link.snapshot)), 1).get_page(request.GET.get("page"))
    context = {"link": link, "token": token, "page": page, "messages_shown": _shown(page[0])}
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


def _pages(said: tuple[snapshots.Said, ...]) -> list[list[snapshots.Said]]:
    """No more on each than can be rendered in time, and a question stays with a long answer."""
    pages: list[list[snapshots.Said]] = [[]]
    length = 0
    for one in said:
        if pages[-1] and (length >= PAGE_LENGTH or len(pages[-1]) == PAGE_SIZE):
            pages.append([])
            length = 0
        pages[-1].append(one)
        length += len(one.content)
    return pages


def _shown(page: list[snapshots.Said]) -> list[dict]:
    end = thread_time() + RENDERING

    def html_of(said: snapshots.Said) -> str:
        return render_markdown(said.content, is_over=lambda: thread_time() > end) if said.role == "assistant" else ""

    return [{"said": said, "html": html_of(said), "sources": source_views(said.sources)} for said in page]
