"""How often strangers may try. Counted in the cache, by allauth's limits (settings.ACCOUNT_RATE_LIMITS)."""

from __future__ import annotations

import hashlib

from allauth.core import ratelimit
from allauth.core.internal import ratelimit as of_any_method
from allauth.core.internal.ratelimit import get_ip
from django.core.cache import cache
from django.http import HttpRequest

from chatsite.sharing.models import Guest, SharedLink

PASSWORD, PASSWORDS_OF_LINK = "shared_password", "shared_password_of_link"
PASSWORD_WINDOW = 300  # seconds, as in ACCOUNT_RATE_LIMITS
GUEST, GUEST_WINDOW = "guest", 3600
UNPAID = "guest_unpaid"
PAID, PAID_WINDOW = "guest_paid", 600  # seconds in which somebody may send the same once more without knowing
PAGE, PAGE_WINDOW = "shared_page", 60


def may_try_password(request: HttpRequest, link: SharedLink) -> bool:
    """Each try counts, for the link together with the caller's address, and for the link however many call."""
    of_caller = ratelimit.consume(request, action=PASSWORD, key=_key(request, link))
    return of_caller and ratelimit.consume(request, action=PASSWORDS_OF_LINK, key=str(link.pk))


def forgive(request: HttpRequest, link: SharedLink) -> None:
    """The password was right: others who share this address begin anew."""
    ratelimit.clear(request, action=PASSWORD, key=_key(request, link))


def may_become_guest(request: HttpRequest) -> bool:
    return ratelimit.consume(request, action=GUEST)


def may_go_unpaid(request: HttpRequest, guest: Guest) -> bool:
    """Of what a guest sends, so much may count as no message: what was refused, and what was sent twice."""
    return ratelimit.consume(request, action=UNPAID, key=str(guest.pk))


def is_first(guest: Guest, key: str) -> bool:
    """Whether what was sent under this idempotency key has been accepted for the first time. Without one, all is."""
    key = key.strip()
    name = f"{PAID}:{guest.pk}:{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"
    return not key or cache.add(name, True, PAID_WINDOW)


def may_read(request: HttpRequest) -> bool:
    """A page of a shared link takes time to make; members answer for what they ask for, strangers do not."""
    if request.user.is_authenticated:
        return True
    return bool(of_any_method.consume(request, app="allauth.account", action=PAGE, limit_get=True))


def _key(request: HttpRequest, link: SharedLink) -> str:
    return f"{link.pk} {get_ip(request)}"
