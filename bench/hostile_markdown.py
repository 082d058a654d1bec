"""Searches for blocks of Markdown that take long to render, and measures how long ordinary answers take.

    python -m bench.hostile_markdown                 a minute each for text and for code
    python -m bench.hostile_markdown --seconds 600 --seed 7

Exits with 1 if a block was found that takes more than 200 ms. The limits in conversations/rendering/limits.py
were found with it. Times are of this thread's CPU: other processes on the machine do not count.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from statistics import median
from time import monotonic, thread_time

from conversations.rendering import render_open, split, warm_up
from conversations.rendering.highlight import LANGUAGES
from conversations.rendering.limits import CODE, CODE_LINE
from tests.rendering_pieces import CORPUS, PIECES, hostile_blocks, hostile_code

LIMIT = 200  # ms
KEPT = 20
LONGEST = 60_000  # characters; some limit or other is met far below


def milliseconds(work: Callable[[], object]) -> float:
    began = thread_time()
    work()
    return (thread_time() - began) * 1000


def rendered(text: str) -> list[str]:
    """The blocks of a text, as `render` makes them but without its cache."""
    return [render_open(block) for block in split(text)]


def mutated(text: str, random: Random) -> str:
    text = text[:LONGEST]
    start, end = sorted(random.randrange(len(text) + 1) for _ in range(2))
    match random.randrange(4):
        case 0:
            return text[:start] + text[end:]
        case 1:
            return text[:end] + text[start:]
        case 2:
            return text[:start] + random.choice(PIECES) * random.randint(1, 200) + text[start:]
    return text.replace(text[start : start + 2] or "a", random.choice(PIECES))


def search(texts: Iterator[str], seconds: float, seed: int) -> list[tuple[float, str]]:
    """The slowest texts, slowest first: every second one is a variation of those found so far."""
    random, slowest = Random(seed), []
    end, count = monotonic() + seconds, 0
    while monotonic() < end:
        vary = slowest and count % 2
        text = mutated(random.choice(slowest)[1], random) if vary else next(texts)
        took = milliseconds(lambda text=text: render_open(text))
        if took > 50:
            took = min(took, milliseconds(lambda text=text: render_open(text)))  # the first may have met the collector
        heapq.heappush(slowest, (took, text))
        if len(slowest) > KEPT:
            heapq.heappop(slowest)
        count += 1
    print(f"{count} blocks tried")
    return sorted(slowest, reverse=True)


def report(what: str, found: list[tuple[float, str]]) -> float:
    print(f"\nThe slowest {what}:")
    for took, text in found[:10]:
        print(f"  {took:6.1f} ms  {len(text):6d} characters  {text[:50]!r} ... {text[len(text) // 2 :][:30]!r}")
    return found[0][0]


def ordinary() -> None:
    answers = [path.read_text(encoding="utf-8") for path in CORPUS]
    mixed = "\n\n".join(f"{answer}\n```\n" if answer.count("```") % 2 else answer for answer in answers)
    plain = "The quick brown fox jumps over the lazy dog, and then it sleeps for a while.\n\n"
    for name, text in (
        ("plain prose", plain * 1_300),
        ("formatted answers", f"{mixed}\n\n" * (100_000 // len(mixed) + 1)),
    ):
        took = median(milliseconds(lambda text=text: rendered(text)) for _ in range(5))
        print(f"{name}: {took:.0f} ms for {len(text) / 1000:.0f} kB, {took * 1000 / (len(text) / 1000):.0f} µs per kB")


def many_blocks(seed: int) -> float:
    """The slowest of some hostile texts of 100 kB."""
    texts = [(f"{text[:5_000]}\n\n" * 100)[:100_000] for text in islice(hostile_blocks(seed), 100)]
    return max(milliseconds(lambda text=text: rendered(text)) for text in texts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warm_up()
    ordinary()
    text = report("text", search(hostile_blocks(options.seed), options.seconds, options.seed))
    codes = hostile_code(options.seed, sorted(LANGUAGES), CODE - 100, CODE_LINE)
    code = report("code", search(codes, options.seconds, options.seed))
    print(f"\nThe slowest hostile text of 100 kB: {many_blocks(options.seed):.0f} ms")
    return int(max(text, code) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
