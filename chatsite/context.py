"""What every template may use."""

from __future__ import annotations

from django.conf import settings


def site(request) -> dict:
    return {
        "site_name": settings.SITE_NAME,
        "signup_open": settings.SIGNUP_OPEN,
        "request_id": getattr(request, "id", ""),
        "guest": getattr(request, "guest", None),
    }
