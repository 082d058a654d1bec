"""What every page behind a link says to browsers and to those who search the web."""

from __future__ import annotations

from functools import wraps

from django.http import HttpRequest, HttpResponse


def unindexed(view):
    """In no index and in no archive; where it leads, nobody learns the address it was read at."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive, nosnippet"
        response["Referrer-Policy"] = "same-origin"  # forms within need an origin, so not no-referrer
        return response

    return wrapper
