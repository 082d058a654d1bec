"""`python -m bench.search`: how long a search takes, as somebody types, in 100,000 messages of one person.

    python -m bench.search              on SQLite and on Postgres, into bench/RESULTS.md
    python -m bench.search sqlite       only there, on the screen

5,000 chats in English, Vietnamese and Chinese, their words as frequent as words are: a few everywhere, most rare.
Looked for are one to three words that stand one after the other in some message, typed letter by letter from the second
on; each letter is one search, with snippets for the first page, through `services.search`. Every fifth is looked for in
a folder, with a model, or in a time.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

HEADING = "## Search"
CHATS, MESSAGES_EACH, SESSIONS = 5_000, 20, 150
PAGE = 20
LIMIT_MS = 50
SYLLABLES = "ba con de ter ing pro lu mo plo re sho ta thi ver zu al"
COMMON = "the of and to in is that for it as was with be by on not he his but at are this have from or"
ONSETS = "b c ch d đ g h kh l m n ng nh ph qu r s t th tr v x"
RHYMES = "a à á ả ã ạ ăn ấn ầu ây ê ế ên o ò ó ở ơi ợ ôn ông u ú ưa ươi ướ y ỳ iên iệt"
ROOT = Path(__file__).resolve().parent.parent


class Speech:
    """Made-up texts of three languages, the same each time."""

    def __init__(self) -> None:
        self.chance = random.Random(7)
        made = {"".join(self.chance.choices(SYLLABLES.split(), k=self.chance.randint(2, 4))) for _word in range(30_000)}
        self.english = COMMON.split() + sorted(made)
        self.vietnamese = [onset + rhyme for onset in ONSETS.split() for rhyme in RHYMES.split()]
        self.chance.shuffle(self.vietnamese)
        self.chinese = [chr(0x4E00 + 7 * number) for number in range(2_500)]

    def words(self, kind: str, count: int) -> list[str]:
        known = getattr(self, kind)
        return [known[min(int(self.chance.paretovariate(0.9)) - 1, 10**9) % len(known)] for _word in range(count)]

    def text(self, kind: str, count: int) -> str:
        joined = ("" if kind == "chinese" else " ").join(self.words(kind, count))
        return f"{joined}." if kind != "chinese" else f"{joined}。"


def fill(speech: Speech) -> tuple:
    """Everything there is to find. Returns the person, the keys of folders and models, and texts to look for."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from conversations.indexing import complete
    from conversations.models import ChatModel, Conversation, Folder
    from conversations.types import Message

    person = get_user_model().objects.create_user("bench", "bench@example.com", "x")
    folders = [Folder.objects.create(user=person, name=f"Folder {number}") for number in range(10)]
    models = [
        ChatModel.objects.create(backend="guide", model_id=f"m{number}", label=f"M{number}") for number in range(5)
    ]
    begin, samples, spent = timezone.now() - timedelta(days=700), [], 0.0
    for number in range(CHATS):
        kind = speech.chance.choices(["english", "vietnamese", "chinese"], [65, 25, 10])[0]
        chat = Conversation.objects.create(
            user=person,
            title=speech.text(kind, 5),
            model=models[int(speech.chance.paretovariate(1)) % 5],
            folder=folders[int(speech.chance.paretovariate(0.6)) % 10] if number % 3 == 0 else None,
        )
        at = begin + timedelta(minutes=200 * number)
        Conversation.objects.filter(pk=chat.pk).update(
            created_at=at, updated_at=at + timedelta(hours=1), is_indexed=False
        )
        said = [
            Message(
                "assistant" if odd else "user",
                speech.text(kind, 110 if odd else 18),
                created_at=at + timedelta(minutes=turn),
            )
            for turn in range(MESSAGES_EACH)
            for odd in [turn % 2]
        ]
        samples += [(kind, said[1].content)] if number % 7 == 0 else []
        started = time.perf_counter()
        complete(chat.key, said)
        spent += time.perf_counter() - started
    return person, folders, models, samples, spent


def typed(speech: Speech, samples: list) -> Iterator[str]:
    """One search for each letter, from the second on."""
    kind, text = speech.chance.choice(samples)
    if kind == "chinese":
        at, count = speech.chance.randrange(len(text) - 4), speech.chance.randint(1, 4)
        yield from (text[at : at + size] for size in range(1, count + 1))
        return
    said = text.rstrip(".").split()
    at, count = speech.chance.randrange(len(said) - 3), speech.chance.randint(1, 3)
    wanted = " ".join(said[at : at + count])
    yield from (wanted[:size] for size in range(min(2, len(wanted)), len(wanted) + 1) if wanted[size - 1] != " ")


def searched(speech: Speech, person, folders, models, samples) -> list[tuple[float, str]]:
    """Milliseconds of each search, and what it was, the slowest last."""
    from django.utils import timezone

    from conversations import services

    times = []
    for session in range(SESSIONS):
        narrow = {}
        if session % 5 == 0:
            day = timezone.now() - timedelta(days=speech.chance.randint(20, 650))
            narrow = speech.chance.choice(
                [
                    {"folder": speech.chance.choice(folders).pk},
                    {"model": speech.chance.choice(models).pk},
                    {"since": day, "until": day + timedelta(days=speech.chance.choice([7, 60]))},
                ]
            )
        for text in typed(speech, samples):
            started = time.perf_counter()
            found = services.search(person, services.Wanted(text, **narrow))
            shown = [hit.snippet for hit in found.messages[:PAGE]] + [hit.title for hit in found.titles]
            times.append(((time.perf_counter() - started) * 1e3, f"{text!r} {', '.join(narrow)} {len(shown)}"))
    return sorted(times)


def turn_ms(person, speech: Speech) -> float:
    """What indexing adds to storing one turn: a question and an answer of two thousand characters; the median."""
    from conversations.indexing import index_messages
    from conversations.models import Conversation
    from conversations.types import Message

    chat = Conversation.objects.create(user=person, title="A turn")
    times = []
    for _turn in range(100):
        said = Message("user", speech.text("english", 20)), Message("assistant", speech.text("english", 330))
        started = time.perf_counter()
        index_messages(chat.key, said)
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


def measure() -> int:
    """In a process that has a database of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.db import connection

    speech = Speech()
    person, folders, models, samples, spent = fill(speech)
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")  # autovacuum would do it a minute later
    searched(Speech(), person, folders, models, samples[:20])
    found = searched(speech, person, folders, models, samples)
    times = [time_ for time_, _what in found]
    cuts = statistics.quantiles(times, n=100)
    messages = CHATS * MESSAGES_EACH
    sys.stdout.write(
        f"| {connection.vendor} | {messages:,} | {len(times):,} | {cuts[49]:.1f} | {cuts[94]:.1f} | {times[-1]:.1f} "
        f"| {messages / spent:,.0f} | {turn_ms(person, speech):.1f} "
        f"| {'kept' if cuts[94] <= LIMIT_MS else '**broken**'} (p95 ≤ {LIMIT_MS} ms) |\n"
    )
    sys.stderr.write("\n".join(f"{time_:.0f} ms {what}" for time_, what in found[-8:]) + "\n")
    return 0


def run(vendor: str) -> str:
    """One row of the table, from a process with that database."""
    from tests.postgres import postgres_url

    command = [sys.executable, "-m", "bench.search", "--measure"]

    def row(url: str) -> str:
        environment = {**os.environ, "DATABASE_URL": url}
        return subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout

    if vendor == "postgres":
        with postgres_url() as url:
            return row(url)
    with tempfile.TemporaryDirectory() as folder:
        return row(f"sqlite:///{folder}/search.sqlite3")


def main(arguments: list[str]) -> int:
    if arguments == ["--measure"]:
        return measure()
    load = os.getloadavg()[0]
    rows = [run(vendor).strip() for vendor in arguments or ("sqlite", "postgres")]
    table = [
        "| | messages | searches | p50 ms | p95 ms | slowest ms | indexed per second | added to storing a turn, ms | |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
        *rows,
    ]
    sys.stdout.write("\n".join(table) + "\n")
    if not arguments:
        from bench.results import replace_section

        path = ROOT / "bench" / "RESULTS.md"
        intro = (
            f"`python -m bench.search`: one person's {CHATS:,} chats; one to three words typed letter by letter, each "
            f"letter a search; one in five with a filter. Written on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} "
            f"cores, Python {sys.version.split()[0]}, load {load:.1f} before it began."
        )
        path.write_text(replace_section(path.read_text(), HEADING, ["", intro, "", *table, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
