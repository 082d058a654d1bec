"""How quick each model has been of late: medians over recent replies, counted for whoever really answered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from statistics import median

from django.conf import settings
from django.db import connection
from django.utils import timezone

from conversations.models import ChatModel, Generation

RECENT = timedelta(days=14)
MOST_REPLIES = 50  # of each model


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians over `replies`. `first_token` in seconds; `tokens_per_second` is None where nothing could be measured."""

    replies: int
    first_token: float
    tokens_per_second: float | None


_known: tuple[float, Mapping[int, Speed]] | None = None  # with the moment of time.monotonic() that it is from


def speeds() -> Mapping[int, Speed]:
    """By the pk of the model; one that has not been measured is missing.

    One query, at most every CHAT_SPEED_AGE seconds. Never asked for while a message is sent.
    """
    global _known
    now = time.monotonic()
    if _known is None or now - _known[0] >= settings.CHAT_SPEED_AGE:
        _known = now, {pk: _speed(list(rows)) for pk, rows in groupby(_recent_replies(), key=itemgetter(0))}
    return _known[1]


def forget_speeds() -> None:
    global _known
    _known = None


def _speed(rows: list[tuple[int, int, float | None]]) -> Speed:
    rates = [rate for _model, _first, rate in rows if rate is not None]
    first_token = median(first for _model, first, _rate in rows) / 1000
    return Speed(len(rows), first_token, median(rates) if rates else None)


# By hand: the ORM has no join that says "the newest fifty of each". The condition stands here as it does in the index
# (generation_speed), or SQLite would not use it. LATERAL is the standard's word for it, which SQLite does not know.
NEWEST = """
    SELECT newest.* FROM {replies} newest
    WHERE newest.model_id = model.id AND newest.finished_at >= %s
        AND newest.status = 'completed' AND newest.first_token_ms IS NOT NULL
    ORDER BY newest.finished_at DESC LIMIT %s
"""
RECENT_REPLIES = """
    SELECT reply.model_id, reply.first_token_ms, reply.tokens_per_second
    FROM {models} model JOIN {newest} WHERE model.enabled ORDER BY reply.model_id
"""


def _recent_replies() -> list[tuple[int, int, float | None]]:
    """(model, first token in ms, tokens per second) of the newest replies of each model, model by model."""
    replies, models = (connection.ops.quote_name(table._meta.db_table) for table in (Generation, ChatModel))
    newest = NEWEST.format(replies=replies)
    if connection.vendor == "sqlite":
        newest = f"{replies} reply ON reply.id IN ({newest.replace('newest.*', 'newest.id')})"
    else:
        newest = f"LATERAL ({newest}) reply ON TRUE"
    since = connection.ops.adapt_datetimefield_value(timezone.now() - RECENT)
    with connection.cursor() as cursor:
        cursor.execute(RECENT_REPLIES.format(models=models, newest=newest), [since, MOST_REPLIES])
        return cursor.fetchall()
