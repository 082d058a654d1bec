"""What every template may use."""

from __future__ import annotations

from django.conf import settings

from chatsite.branding.announcing import announcements
from chatsite.branding.current import Branding, current, known


def site(request) -> dict:
    """For every page. Announcements are for those that have a request: error pages are rendered without."""
    branding = current()
    return {**_about(request, branding), "announcements": announcements(request)}


def site_as_known(request) -> dict:
    """The same without asking anybody: for pages that say what went wrong."""
    return _about(request, known())


def _about(request, branding: Branding) -> dict:
    return {
        "site_name": branding.site_name,
        "branding": branding,
        "signup_open": settings.SIGNUP_OPEN,
        "request_id": getattr(request, "id", ""),
        "guest": getattr(request, "guest", None),
    }
