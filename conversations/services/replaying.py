"""What an idempotency key stands for already: the same send, once more."""

from __future__ import annotations

from django.utils.translation import gettext as _

from conversations import plain_sql
from conversations.errors import KeyReused
from conversations.models import Generation


def replay(user_id: int, key: str, body_hash: str) -> Generation | None:
    """The generation that this key stands for, if it was used before. Raises KeyReused for another body."""
    if not plain_sql.select(Generation, ["id"], {"user_id": user_id, "idempotency_key": key}):
        return None  # nearly all keys are new
    rows = Generation.objects.filter(user_id=user_id, idempotency_key=key, conversation__deleted_at=None)
    known = rows.select_related("conversation", "model", "user").first()
    if known and known.body_hash != body_hash:
        raise KeyReused(_("This message was already sent with another text. Reload the page and send again."))
    return known


def replay_all(user_id: int, key: str, body_hash: str) -> tuple[Generation, ...]:
    """All generations of the comparison that this key stands for, in the order of their lanes; none if it is new.

    Raises KeyReused for another body.
    """
    first = replay(user_id, key, body_hash)
    if first is None:
        return ()
    rows = Generation.objects.filter(
        conversation_id=first.conversation_id, user_message_id=first.user_message_id, body_hash=body_hash
    )
    return tuple(rows.select_related("conversation", "model", "user").order_by("lane"))
