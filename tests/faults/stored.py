"""What the site has kept, read through its own models and store: `python -m tests.faults.stored FILE`.

Runs in the environment of the site. Waits until every accepted turn is decided and stored, then writes JSON:
{"waited": seconds, "unsettled": […], "rows": […], "documents": {conversation id: {"owned", "leaf", "messages": […]}}}
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import django

GUARD = 75.0  # seconds; a process is taken for dead after 60
ROW = ("id", "status", "user_message_id", "reply_id", "user_text", "reply_text", "is_regeneration", "idempotency_key")


def main(path: str) -> None:
    django.setup()
    from conversations.models import Conversation, Generation

    waited, unsettled = _wait()
    rows = Generation.objects.order_by("created_at").values(*ROW, "conversation_id", "created_at", "finished_at")
    owned = {str(pk) for pk in Conversation.objects.values_list("pk", flat=True)}
    result = {"waited": waited, "unsettled": unsettled, "documents": _documents(owned), "rows": list(rows)}
    Path(path).write_text(json.dumps(result, default=str), encoding="utf-8")


def _wait() -> tuple[float, list[str]]:
    from conversations.models import Generation

    began = time.monotonic()
    while True:
        rows = Generation.objects.filter(status=Generation.Status.IN_PROGRESS) | Generation.objects.filter(
            stored_at=None
        )
        unsettled = [f"{pk} {status}" for pk, status in rows.values_list("pk", "status")]
        if not unsettled or time.monotonic() - began > GUARD:
            return time.monotonic() - began, unsettled
        time.sleep(0.1)


def _documents(owned: set[str]) -> dict[str, dict[str, Any]]:
    """Every document in the store, whether a conversation names it or not."""
    from conversations.stores import get_store

    store = get_store()
    found = {key: store.load(key) for key in store.keys()}  # noqa: SIM118  a store is no dictionary
    return {
        key.conversation_id: {
            "owned": key.conversation_id in owned,
            "leaf": transcript.leaf,
            "messages": [
                {
                    "id": message.id,
                    "parent_id": message.parent_id or "",
                    "role": message.role,
                    "content": message.content,
                    "status": message.metadata.get("status", ""),
                    "continues": message.metadata.get("continues", ""),
                }
                for message in transcript.messages
            ],
        }
        for key, transcript in found.items()
    }


if __name__ == "__main__":
    main(sys.argv[1])
