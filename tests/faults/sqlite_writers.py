"""Threads of one process that write turns into the database, as fast as they can.

    python -m tests.faults.sqlite_writers NAME --threads 8 --turns 10

Each thread is one person, whose every turn is accepted, checkpointed, decided and stored by the product's own
functions. Two such processes on one SQLite file are what a deploy overlaps. Begins when it is sent a line; prints how
many turns were stored, and each error of the database on standard error.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402  the apps must be loaded first
from django.db import DatabaseError  # noqa: E402

from conversations import services  # noqa: E402
from conversations.models import ChatModel, Conversation  # noqa: E402
from conversations.services.acceptance import Draft, accept  # noqa: E402
from conversations.streaming import clock, outcome, storing  # noqa: E402
from conversations.streaming.candidates import Candidate  # noqa: E402
from conversations.streaming.reply import LiveReply, Outcome  # noqa: E402
from conversations.types import ChatRequest, Delta, new_id  # noqa: E402


def write_turn(conversation: Conversation, model: ChatModel, text: str, writer_id: UUID) -> bool:
    """One turn's way, without a model: True if it is stored at the end."""
    leaf = "" if conversation._state.adding else services.read(conversation).leaf or ""
    draft = Draft(conversation, model, new_id(), text, leaf, {}, new_id(), "", is_new_message=True)
    generation, _ = accept(draft, writer_id)
    request = ChatRequest((), user_id=str(conversation.user_id), conversation_id=str(conversation.pk))
    reply = LiveReply(generation.pk, (Candidate(model.backend, model.model_id),), request)
    for word in text.split():
        reply.take(Delta(word))
        clock.tick(writer_id, [(generation.pk, reply.text)])
    return outcome.settle(reply, Outcome("completed", "stop"), writer_id) and storing.store_turn(generation.pk)


def write(name: str, turns: int, writer_id: UUID) -> tuple[int, list[str]]:
    """How many turns of one person were stored, and what the database had against the others."""
    count, errors = 0, []
    try:
        user = get_user_model().objects.create_user(name, f"{name}@example.com")
        conversation = services.start_conversation(user)
        model = services.choose_model(None, conversation)
        for number in range(turns):
            count += write_turn(conversation, model, f"Message number {number}", writer_id)
    except DatabaseError as error:
        errors.append(f"{name}: {error}")
    return count, errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of this process: its people are called after it")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--turns", type=int, default=10, help="of each thread")
    options = parser.parse_args()
    writer_id = clock.register()
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(options.threads) as threads:
        people = [f"{options.name}-{number}" for number in range(options.threads)]
        results = list(threads.map(lambda person: write(person, options.turns, writer_id), people))
    print(sum(count for count, _ in results), flush=True)
    errors = [error for _, errors in results for error in errors]
    print(*errors, sep="\n", file=sys.stderr)
    return int(bool(errors))


if __name__ == "__main__":
    raise SystemExit(main())
