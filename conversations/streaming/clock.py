"""The clock of a process: signs of life, checkpoints, claims lost, stops asked for elsewhere.

Each part is a synchronous function for the database executor. How other processes are watched: obituary.py.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from conversations.models import Generation, Writer
from conversations.streaming import outcome

logger = logging.getLogger(__name__)
Texts = Sequence[tuple[UUID, str]]
Thoughts = Sequence[tuple[UUID, str, int]]  # with the milliseconds that they took
COLUMNS = {2: ("reply_text",), 3: ("reasoning_text", "reasoning_ms")}


def register() -> UUID:
    """Make this process known, and settle at once what processes left that are surely gone from this host."""
    host, pid = socket.gethostname(), os.getpid()
    others = list(Writer.objects.all())
    gone = [writer.pk for writer in others if writer.host == host and (writer.pid == pid or not _alive(writer.pid))]
    if gone or not others:
        outcome.bury(gone)
    return Writer.objects.create(host=host, pid=pid).pk


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Dead, though its number is still taken: in many containers nobody collects the dead soon, or ever."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # gone meanwhile, or a system without /proc
        return False
    return state.rpartition(") ")[2][:1] in ("Z", "X")


def resign(writer_id: UUID) -> None:
    Writer.objects.filter(pk=writer_id).delete()


def tick(writer_id: UUID, texts: Texts, thoughts: Thoughts = ()) -> tuple[set[UUID], set[UUID] | None]:
    """A sign of life, a checkpoint of the replies that moved, and this process's claims.

    Returns the replies in progress that are still its own, and those whose text the database refused; None in the
    place of those if nothing was saved: a checkpoint that fails must not keep the rest from being done.
    """
    beat(writer_id)
    try:
        refused = checkpoint(writer_id, texts, thoughts) if texts or thoughts else set()
    except Exception as error:
        logger.warning("Nothing was saved, the next tick will try: %s", type(error).__name__)
        refused = None
    rows = Generation.objects.filter(writer_id=writer_id, status=Generation.Status.IN_PROGRESS)
    return set(rows.values_list("pk", flat=True)), refused


def beat(writer_id: UUID) -> None:
    """A sign of life. If the row is gone (buried by mistake, or a new database), it is made again.

    By whoever comes first: the clock and the turns that are being accepted find out at the same time.
    """
    if not Writer.objects.filter(pk=writer_id).update(counter=F("counter") + 1):
        row = Writer(pk=writer_id, host=socket.gethostname(), pid=os.getpid())
        Writer.objects.bulk_create([row], ignore_conflicts=True)


def stops(writer_id: UUID) -> list[UUID]:
    """Which of this process's replies somebody asked to stop, from whatever tab or process."""
    rows = Generation.objects.filter(writer_id=writer_id, status=Generation.Status.IN_PROGRESS, stop_requested=True)
    return list(rows.values_list("pk", flat=True))


def checkpoint(writer_id: UUID, texts: Texts, thoughts: Thoughts = ()) -> set[UUID]:
    """Save the texts of all replies that moved, in one transaction; if the data is refused, one by one.

    Returns those that were refused alone.
    """
    try:
        _save(writer_id, texts, thoughts)
    except outcome.REFUSALS:
        return {row[0] for row in (*texts, *thoughts) if not _is_saved(writer_id, row)}
    return set()


def _is_saved(writer_id: UUID, row: tuple) -> bool:
    try:
        _save(writer_id, [row])
    except outcome.REFUSALS:
        return False
    return True


def _save(writer_id: UUID, *groups: Sequence[tuple]) -> None:
    """`executemany` on the raw cursor: bulk_update costs sixty times the CPU (800 rows: 2 ms against 132 ms).

    Each group fills columns of its own, so that long reasoning is not written again with every word of the answer.
    """
    to_db = Generation._meta.pk.get_db_prep_value
    table, holder = connection.ops.quote_name(Generation._meta.db_table), to_db(writer_id, connection)
    with transaction.atomic(), connection.cursor() as cursor:
        for group in filter(None, groups):
            changes = ", ".join(f"{column} = %s" for column in COLUMNS[len(group[0])])
            sql = f"UPDATE {table} SET {changes} WHERE id = %s AND writer_id = %s AND status = 'in_progress'"  # noqa: S608
            cursor.executemany(sql, [(*values, to_db(pk, connection), holder) for pk, *values in group])
