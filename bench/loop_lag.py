"""How late the event loop is while replies are written and read in it, without HTTP: by what it could not do sooner.

    python -m bench.loop_lag                    200 plain replies, then 30 hostile ones; exits with 1 above the limit
    python -m bench.loop_lag --plain 400 --hostile 0

A task sleeps for 5 ms, again and again; whatever it sleeps longer is lag. Beside it stands the CPU that the loop's
thread used meanwhile, which other processes on the machine do not change: it is the lag of an idle machine, but for
what the thread waited for other threads of its own process. Everything runs in one process, readers
included, with the intervals of production, on an SQLite file that is thrown away.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random

FOLDER = tempfile.TemporaryDirectory(prefix="loop-lag-")
os.environ["DATABASE_URL"] = f"sqlite:///{Path(FOLDER.name) / 'site.sqlite3'}"
os.environ["ENV_FILE"] = os.devnull
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django  # noqa: E402  the environment comes first

django.setup()

import uvloop  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402

from conversations import services, streaming  # noqa: E402
from conversations.backends import get_backend  # noqa: E402
from tests.helpers import finished, say  # noqa: E402
from tests.rendering_pieces import hostile_blocks  # noqa: E402

LIMIT = 50.0  # ms, of the 99th percentile
NAP = 0.005  # seconds
TOKENS_PER_SECOND = 20
STARTS_OVER = 2.0  # seconds
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "and", "then", "sleeps"]


async def watch(lags: list[float], busy: list[float]) -> None:
    """Milliseconds by which each nap lasted too long, and those of this thread's CPU during it."""
    while True:
        began, used = time.perf_counter(), time.thread_time()
        await asyncio.sleep(NAP)
        lags.append((time.perf_counter() - began - NAP) * 1000)
        busy.append((time.thread_time() - used) * 1000)


def plain(count: int) -> Iterable[list[str]]:
    """Prose of 100 tokens each, a token a word."""
    return ([f"{WORDS[i % len(WORDS)]} " for i in range(100)] for _ in range(count))


def hostile(count: int) -> Iterable[list[str]]:
    """Markdown that is dear to parse, of up to 30 kB each, in 100 pieces."""
    texts = (text for text in hostile_blocks(seed=1) if "\n" in text)
    return (
        [text[i : i + len(text) // 100 + 1] for i in range(0, len(text), len(text) // 100 + 1)]
        for text in islice(texts, count)
    )


async def write_and_read(user, pieces: list[str], start: float) -> None:
    await asyncio.sleep(start)
    get_backend("scripted").enqueue(
        *(step for piece in pieces for step in (piece, lambda: asyncio.sleep(1 / TOKENS_PER_SECOND)))
    )
    generation = await say(user, "Go")
    async for _frames in streaming.follow(generation.pk):
        pass
    row = await finished(generation)
    if row.status != "completed":
        raise RuntimeError(f"A reply ended as {row.status}: {row.error}")


async def lag_under(user, replies: list[list[str]]) -> tuple[list[float], list[float]]:
    lags, busy = [], []
    watching = asyncio.create_task(watch(lags, busy))
    random = Random(1)
    await asyncio.gather(*(write_and_read(user, pieces, random.uniform(0, STARTS_OVER)) for pieces in replies))
    watching.cancel()
    return sorted(lags), sorted(busy)


def report(what: str, naps: list[float]) -> float:
    """Print the figures; the 99th percentile."""
    p50, p99 = (naps[int(len(naps) * share)] for share in (0.5, 0.99))
    print(f"{what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {naps[-1]:.1f} ms")
    return p99


async def measured(user, options: argparse.Namespace) -> list[float]:
    await streaming.startup()
    worst = []
    for name, texts, count in (("plain", plain, options.plain), ("hostile", hostile, options.hostile)):
        if count:
            lags, busy = await lag_under(user, list(texts(count)))
            worst.append(report(f"{count} {name} replies, lag (limit: p99 {LIMIT:.0f} ms)", lags))
            report(f"{count} {name} replies, CPU of the loop's thread per nap", busy)
    await streaming.shutdown()
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain", type=int, default=200)
    parser.add_argument("--hostile", type=int, default=30)
    options = parser.parse_args()
    settings.CHAT_BACKENDS = {"scripted": {"BACKEND": "conversations.backends.scripted.ScriptedBackend"}}
    settings.CHAT_MAX_RUNNING_REPLIES = options.plain + options.hostile
    call_command("migrate", verbosity=0)
    services.seed_catalogue()
    user = get_user_model().objects.create_user("reader", "reader@example.com")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        worst = runner.run(measured(user, options))
    return int(max(worst) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
