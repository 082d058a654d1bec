"""SQLite with the product's settings: many writers in two processes wait for each other, and none is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from django.db import connection

from conversations.models import Conversation, Generation
from tests.serving import PATIENCE, PYTHON, ROOT, production

THREADS, TURNS = 8, 5


@pytest.mark.sqlite
def test_sixteen_writers_in_two_processes_are_never_told_that_the_database_is_locked(catalogue, tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("Other databases have no lock over all.")
    writers = [begun(tmp_path, name) for name in ("first", "second")]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n", writer.communicate(timeout=PATIENCE)
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    answers = [writer.communicate(timeout=PATIENCE) for writer in writers]
    assert answers == [(f"{THREADS * TURNS}\n", "\n")] * 2  # what was stored, and what went wrong
    stored = Generation.objects.filter(status="completed").exclude(stored_at=None)
    assert stored.count() == 2 * THREADS * TURNS
    assert list(Conversation.objects.values_list("message_count", flat=True)) == [2 * TURNS] * 2 * THREADS


def begun(folder: Path, name: str) -> subprocess.Popen:
    """A process with the production settings, on the database of these tests."""
    file = Path(connection.settings_dict["NAME"]).resolve()
    env = production(folder, LOG_LEVEL="ERROR") | {"DATABASE_URL": f"sqlite:///{file}"}
    command = [PYTHON, "-m", "tests.faults.sqlite_writers", name, "--threads", str(THREADS), "--turns", str(TURNS)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
