"""Which announcements a page shows, and which of them somebody has put away: a person, or a browser that nobody is
logged in with.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from chatsite.accounts.models import User
from chatsite.branding.current import current
from chatsite.branding.models import Announcement
from conversations.rendering import render

COOKIE = "dismissed"
LASTS = 60 * 60 * 24 * 365  # seconds
MOST = 50  # of one person: no site announces as many at a time
_KEY = re.compile(r"[0-9]{1,19}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Shown:
    key: str
    html: SafeString
    level: str
    can_be_dismissed: bool


def key_of(announcement: Announcement) -> str:
    """Another one when its text changes, so that it is seen again."""
    return f"{announcement.pk}-{hashlib.sha256(announcement.text.encode()).hexdigest()[:8]}"


def announcements(request: HttpRequest) -> list[Shown]:
    """Those for whoever asks, in their language, now. A guest (chatsite.sharing) is a visitor without cookies."""
    timely = [one for one in current().announcements if _is_timely(one)]
    if not timely:
        return []
    is_guest, is_member = hasattr(request, "guest"), _is_member(request)
    dismissed = _dismissed(request) | (set(request.user.dismissed.split(".")) if is_member else set())
    return [
        Shown(key_of(one), render(one.text), one.level, one.can_be_dismissed and not is_guest)
        for one in timely
        if (is_member or one.for_visitors) and not (one.can_be_dismissed and key_of(one) in dismissed)
    ]


def _is_timely(one: Announcement) -> bool:
    now = timezone.now()
    has_begun = one.begins_at is None or one.begins_at <= now
    return has_begun and (one.ends_at is None or now < one.ends_at) and one.language in ("", get_language())


def _is_member(request: HttpRequest) -> bool:
    return not hasattr(request, "guest") and request.user.is_authenticated


def _dismissed(request: HttpRequest) -> set[str]:
    return set(request.COOKIES.get(COOKIE, "").split("."))


def dismiss(request: HttpRequest, response: HttpResponse, key: str) -> None:
    """Keep it from this person, wherever they log in; from this browser, where nobody is logged in."""
    if not _KEY.fullmatch(key):
        return
    if _is_member(request):
        _keep_from(request.user, key)
    else:
        _keep_from_browser(request, response, key)


def _keep_from(user: User, key: str) -> None:
    """The row is locked: two devices may dismiss two at once. Only the newest are kept."""
    rows = User.objects.filter(pk=user.pk)
    with transaction.atomic():
        known = rows.select_for_update().values_list("dismissed", flat=True).get().split(".")
        kept = [one for one in known if one and one != key][-(MOST - 1) :]
        rows.update(dismissed=".".join([*kept, key]))


def _keep_from_browser(request: HttpRequest, response: HttpResponse, key: str) -> None:
    """What is announced no more is forgotten, so that the cookie stays small."""
    there = {key_of(one) for one in current().announcements}
    kept = sorted((_dismissed(request) | {key}) & there)
    response.set_cookie(
        COOKIE,
        ".".join(kept),
        max_age=LASTS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
