"""Whether the people who read are still allowed to. Synchronous: runs in the database executor."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.utils import timezone
from django.utils.crypto import constant_time_compare


class Visitor(NamedTuple):
    """Who reads: a session and the user it belongs to."""

    session_key: str
    user_id: int


def ended(visitors: Iterable[Visitor]) -> set[Visitor]:
    """Those who logged out, were deactivated, or whose password was changed elsewhere. Two queries for all."""
    visitors = set(visitors)
    Store = import_module(settings.SESSION_ENGINE).SessionStore
    rows = Store.get_model_class().objects.filter(
        session_key__in={visitor.session_key for visitor in visitors}, expire_date__gt=timezone.now()
    )
    sessions = {row.session_key: row.session_data for row in rows}
    users = get_user_model().objects.filter(pk__in={visitor.user_id for visitor in visitors}, is_active=True)
    hashes = {user.pk: user.get_session_auth_hash() for user in users}

    def is_valid(visitor: Visitor) -> bool:
        data = sessions.get(visitor.session_key)
        expected = hashes.get(visitor.user_id)
        if data is None or expected is None:
            return False
        return constant_time_compare(Store().decode(data).get(HASH_SESSION_KEY, ""), expected)

    return {visitor for visitor in visitors if not is_valid(visitor)}
