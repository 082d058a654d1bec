"""Public on purpose: browsers ask for these without a session."""

from __future__ import annotations

import hashlib
import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from chatsite.branding.current import Branding, current
from chatsite.branding.models import SiteText

BACKGROUND = "#fdfdfc"  # --background of tokens.css, in the light theme; the dark one cannot be named here
OFFLINE_FILES = ["css/tokens.css", "css/layout.css", "css/forms.css", "js/theme.js", "js/offline.js", "img/favicon.svg"]


@require_GET
def manifest(request: HttpRequest) -> JsonResponse:
    """https://www.w3.org/TR/appmanifest/"""
    branding = current()
    name = branding.site_name or "Chat"
    data = {
        "id": "/",
        "name": name,
        "short_name": name[:20],
        "description": branding.text(SiteText.Kind.DESCRIPTION),
        "lang": get_language(),
        "dir": "rtl" if get_language_bidi() else "ltr",
        "start_url": reverse("conversations:home"),
        "scope": "/",
        "display": "standalone",
        "background_color": BACKGROUND,
        "theme_color": BACKGROUND,
        "icons": _icons(branding),
        "shortcuts": [{"name": _("New chat"), "url": reverse("conversations:home")}],
    }
    response = JsonResponse(data, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False})
    response["Cache-Control"] = "no-cache"
    return response


def _icons(branding: Branding) -> list[dict[str, str]]:
    if branding.logo_version:
        logo = f"{reverse('branding:logo')}?v={branding.logo_version}"
        return [{"src": logo, "sizes": "any", "purpose": "any"}]
    own = [
        {"src": static(f"img/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"} for size in (192, 512)
    ]
    masked = {"src": static("img/icon-maskable.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"}
    return [*own, masked]


@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. It changes, and is installed anew, with what its page is made of."""
    files = [reverse("install:offline"), *map(static, OFFLINE_FILES)]
    branding = current()
    if branding.css_version:
        files.append(f"{reverse('branding:styles')}?v={branding.css_version}")
    version = hashlib.sha256(json.dumps([files, get_language(), branding.site_name]).encode()).hexdigest()[:12]
    context = {"files": files, "version": version}
    response = render(request, "install/worker.js", context, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """What stands there when the site cannot be reached. It knows nobody: it is kept on the device."""
    return render(None, "install/offline.html", {"site_name": current().site_name})
