"""What pages load of the owner's, the terms, and putting an announcement away."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chatsite.branding.announcing import dismiss as put_away
from chatsite.branding.current import current
from chatsite.branding.models import Site, SiteText
from chatsite.branding.terms import has_agreed
from chatsite.own_page import own_page
from conversations.rendering import render as markdown

FOR_EVER = "public, max-age=31536000, immutable"
# A picture may be opened as a page: then it must not be able to do anything.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


@require_GET
def styles(request: HttpRequest) -> HttpResponse:
    branding = current()
    response = HttpResponse(branding.css, content_type="text/css; charset=utf-8")
    return _kept(response, is_current=request.GET.get("v") == branding.css_version)


@require_GET
def logo(request: HttpRequest) -> HttpResponse:
    site = Site.objects.filter(pk=Site.KEY).exclude(logo_type="").first()
    if site is None:
        raise Http404
    response = HttpResponse(bytes(site.logo), content_type=site.logo_type)
    response["Content-Security-Policy"] = ALONE
    return _kept(response, is_current=request.GET.get("v") == site.logo_version)


def _kept(response: HttpResponse, *, is_current: bool) -> HttpResponse:
    """For ever under the address that names this version; another process may not know it yet."""
    response["Cache-Control"] = FOR_EVER if is_current else "no-cache"
    return response


@require_http_methods(["GET", "POST"])
def terms(request: HttpRequest) -> HttpResponse:
    """The terms of use, and the button that agrees to them."""
    text = current().text(SiteText.Kind.TERMS)
    if not text:
        raise Http404
    asks = current().must_agree and request.user.is_authenticated and not has_agreed(request.user)
    if request.method == "POST":
        if request.user.is_authenticated:
            request.user.agreed_at = timezone.now()
            request.user.save(update_fields=["agreed_at"])
        return redirect(_next(request))
    context = {"terms": markdown(text), "asks": asks, "next": _next(request)}
    return render(request, "branding/terms.html", context)


@require_POST
def dismiss(request: HttpRequest) -> HttpResponse:
    response = redirect(_next(request))
    put_away(request, response, request.POST.get("key", ""))
    return response


def _next(request: HttpRequest) -> str:
    return own_page(request, request.POST.get("next") or request.GET.get("next", ""))
