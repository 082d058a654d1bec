"""Stopping replies: those of this process, those of another, and those whose process has fallen silent."""

from __future__ import annotations

from conversations.models import Generation
from conversations.streaming import current_writer, outcome
from conversations.streaming.executors import in_database


async def stop(generation: Generation) -> None:
    """Stop writing it; what is written stays. A reply that has ended is left as it is.

    The process that writes it closes its upstream within a second; if that process is silent, it is settled here.
    """
    writer = current_writer()
    if writer.stop(generation.pk):
        return
    rows = Generation.objects.filter(pk=generation.pk, status=Generation.Status.IN_PROGRESS)
    if await in_database(lambda: rows.update(stop_requested=True)) and writer.is_silent(generation.writer_id):
        await in_database(outcome.settle_abandoned, [generation.pk])


async def made_way(user_id: int) -> bool:
    """Settle this person's replies whose writers are silent; who wakes up later finds the claim gone.

    True if something was settled, or if nothing is running any more: then it is worth trying again.
    """
    writer = current_writer()
    rows = Generation.objects.filter(user_id=user_id, status=Generation.Status.IN_PROGRESS)
    running = await in_database(lambda: list(rows.values_list("pk", "writer_id")))
    silent = [pk for pk, writer_id in running if writer.is_silent(writer_id)]
    if silent:
        await in_database(outcome.settle_abandoned, silent)
    return bool(silent) or not running
