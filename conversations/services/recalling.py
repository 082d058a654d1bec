"""What recent replies tell a new process of how models count. Read once, when it starts, and beside everything else."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import DatabaseError
from django.db.models.functions import Left
from django.utils import timezone

from conversations.models import ChatModel, Generation
from conversations.services.catalogue import available_models
from conversations.services.estimating import estimate
from conversations.services.learned import MOST_RATIOS, learn_count
from conversations.streaming.executors import in_database

logger = logging.getLogger(__name__)
RECENT = timedelta(days=2)  # older rows have no text
SAMPLE = 1_000  # characters of a message and of its answer; the rest of the prompt is taken to be like them


async def recall_counts() -> None:
    """One query for each model, with everybody else's between them. Never fails: it is learnt again otherwise."""
    try:
        for model in await in_database(available_models):
            await in_database(_recall, model)
    except DatabaseError as error:
        logger.warning("How models count could not be read: %s", type(error).__name__)


def _recall(model: ChatModel) -> None:
    rows = Generation.objects.filter(
        model_id=model.pk,
        status=Generation.Status.COMPLETED,
        first_token_ms__isnull=False,  # as the index of measured replies has it
        finished_at__gte=timezone.now() - RECENT,
        prompt_tokens__gt=0,
        prompt_characters__gt=0,
    ).order_by("-finished_at")
    texts = (Left("user_text", SAMPLE), Left("reply_text", SAMPLE))
    newest = rows.values_list("prompt_characters", "prompt_tokens", *texts)[:MOST_RATIOS]
    for characters, tokens, said, answered in reversed(list(newest)):
        if sample := f"{said}{answered}":
            learn_count((model.backend, model.model_id), characters * estimate(sample) / len(sample), tokens)
