"""What every page behind a link says to browsers and to those who search the web."""

from __future__ import annotations

from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from chatsite.sharing.models import Trial


def unindexed(view):
    """In no index and in no archive; where it leads, nobody learns the address it was read at."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        forbid_index(response)
        return response

    return wrapper


def forbid_index(response: HttpResponseBase) -> None:
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive, nosnippet"
    response["Referrer-Policy"] = "same-origin"  # forms within need an origin, so not no-referrer


def allow_frames(response: HttpResponseBase, trial: Trial) -> None:
    """Where this trial may be embedded; X-Frame-Options knows no list, so it gives way to frame-ancestors."""
    if origins := trial.allowed_origins:
        response._csp_replace = {"frame-ancestors": origins}
        response.xframe_options_exempt = True
        response.headers.pop("X-Frame-Options", None)
