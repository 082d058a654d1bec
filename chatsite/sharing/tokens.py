"""Tokens in addresses: the id of a row, signed. They stand in no table, so a copy of the database opens no link.

Whoever may see a link can be shown it again; nobody can guess one, because that takes the site's SECRET_KEY.
"""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

SIGNATURE = 16  # bytes
LENGTH = 43  # characters


def token_of(pk: UUID, salt: str) -> str:
    return _encode(pk.bytes + _signature(pk, salt, settings.SECRET_KEY))


def pk_in(token: str, salt: str) -> UUID | None:
    """The id that this token names; None for one that this site has not signed for this purpose."""
    if len(token) != LENGTH or not token.isascii():
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=")
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 16 + SIGNATURE:
        return None
    pk = UUID(bytes=raw[:16])
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if constant_time_compare(token, _encode(pk.bytes + _signature(pk, salt, key))):
            return pk
    return None


def _signature(pk: UUID, salt: str, key: str) -> bytes:
    return salted_hmac(salt, pk.bytes, secret=key, algorithm="sha256").digest()[:SIGNATURE]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
