"""The people whose pages are measured, made in the site's own database: `python -m bench.pages.people` prints them.

JSON: for each person a session cookie, and the chats to open; and how many questions pages ask the database.
"""

from __future__ import annotations

import json
from datetime import timedelta

import django

MANY, LONG, FEW = 5_000, 1_000, 5
ANSWER = """Here is what to look at in step {n}.

1. Open the **settings** and choose *advanced*.
2. Write `value = {n}` and save.

```python
def step_{n}(value):
    # as many as there are
    return [value * {n} for _ in range(10)]
```

| name | value |
|---|---|
| step | {n} |

The rest is prose that goes on for a while, so that an answer has a usual length. It says little about number {n}, but
it says it in several sentences, as models do.
"""
QUESTION = "Question number {n}: what do I do next, and why does it matter?"


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model

    from chatsite.accounts.management.commands.make_sessions import _session_of
    from conversations import services

    services.seed_catalogue()
    people = {}
    for name, chats in (("few", FEW), ("many", MANY)):
        user = get_user_model().objects.create_user(f"bench-{name}", f"{name}@bench.example.com")
        short, long = talk_of(user, 10), talk_of(user, LONG)
        fill(user, chats)
        people[name] = {"cookie": _session_of(user), "short": str(short.pk), "long": str(long.pk)}
        people[name]["queries"] = {
            page: queries(user, address)
            for page, address in {
                "new chat": "/",
                "chat of 10 messages": f"/c/{short.pk}/",
                "chat of 1,000 messages": f"/c/{long.pk}/",
            }.items()
        }
    print(json.dumps(people))


def talk_of(user, count: int):
    from conversations import services
    from conversations.types import Message

    conversation = services.create(user, title=f"{count} messages")
    said = []
    for n in range(count):
        text = (ANSWER if n % 2 else QUESTION).format(n=f"{n} of {conversation.pk}")
        role = "assistant" if n % 2 else "user"
        said.append(Message(role, text, parent_id=said[-1].id if said else None))
    services.store(conversation, *said)
    return conversation


def fill(user, count: int) -> None:
    """Chats over three years, some of them pinned, in folders, in the archive or unread."""
    from django.utils import timezone

    from conversations.models import Conversation, Folder

    folders = Folder.objects.bulk_create([Folder(user=user, name=f"Folder {n}") for n in range(10)])
    now = timezone.now()
    rows = [
        Conversation(
            user=user,
            title=f"Chat number {n} about something",
            pinned_at=now if n % 1000 == 7 else None,
            archived_at=now if n % 20 == 3 else None,
            folder=folders[n % 10] if n % 10 == 1 else None,
            is_unread=n % 50 == 5,
        )
        for n in range(count)
    ]
    Conversation.objects.bulk_create(rows, batch_size=500)
    for n, row in enumerate(rows):
        row.updated_at = now - timedelta(hours=5 * n)
    Conversation.objects.bulk_update(rows, ["updated_at"], batch_size=500)


def queries(user, address: str) -> int:
    """How many questions a page asks the database. The least of a few: now and then what is kept is read anew."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    visitor = Client(headers={"host": "127.0.0.1"})
    visitor.force_login(user)
    counts = []
    for _ in range(5):
        with CaptureQueriesContext(connection) as asked:
            response = visitor.get(address)
        if response.status_code != 200:
            raise RuntimeError(f"{address} answers {response.status_code}")
        counts.append(len(asked))
    return min(counts)


if __name__ == "__main__":
    main()
