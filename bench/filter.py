"""`python -m bench.filter`: what the content filter costs a reply, per delta and per token, with more and more entries.

A text in which nothing is suspicious comes in pieces of four characters, about a token, and in pieces of fifty, as they
come joined under load. The best of seven runs counts: other work on the machine only adds.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable

TEXT = (
    "Sure! Here is a short plan for the week: on Monday we look at the data, on Tuesday we write the first draft, and "
    "by Friday everybody has read it. Cảm ơn anh, tôi sẽ gửi bản tóm tắt buổi họp sáng nay cho các bạn trong nhóm. "
    "`total = sum(prices)` adds them up; see section 4.2 for **details**.\n"
) * 40
COUNTS = (0, 50, 500, 5_000)
RUNS = 7


def best(measured: Callable[[], None]) -> float:
    times = []
    for _run in range(RUNS):
        started = time.perf_counter()
        measured()
        times.append(time.perf_counter() - started)
    return min(times)


def words(count: int) -> list[str]:
    """Made up, so that none stands in the text, but as words are: they begin and go on as those of the text do."""
    chance = random.Random(4)
    syllables = ["ba", "con", "de", "fri", "gho", "lu", "mo", "plo", "re", "sho", "ta", "thi", "wee", "zu"]
    return ["".join(chance.choices(syllables, k=chance.randint(3, 5))) + "q" for _word in range(count)]


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from chatsite.moderation.compiling import compiled
    from chatsite.moderation.filtering import FilteredReply, judge
    from chatsite.moderation.matching import Rule
    from conversations.guards import Exchange, ReplyGuards

    def fed(guard, size: int) -> None:
        for place in range(0, len(TEXT), size):
            guard.feed(TEXT[place : place + size])

    sys.stdout.write(
        "| entries | ready after | delta of 4 characters | of 50 | message of 10,000 |\n|--:|--:|--:|--:|--:|\n"
    )
    base = {size: best(lambda size=size: fed(ReplyGuards(Exchange), size)) for size in (4, 50)}
    for count in COUNTS:
        rules = [Rule(number, word, "vi" if number % 2 else "en") for number, word in enumerate(words(count))]
        started = time.perf_counter()
        automaton = compiled(rules)
        ready = time.perf_counter() - started
        if automaton is None:
            sys.stdout.write("| none, or level off | – | 0 | 0 | 0 |\n")
            continue
        costs = []
        for size in (4, 50):
            spent = best(lambda size=size: fed(FilteredReply(automaton, "", print, keeps_text=False), size))  # noqa: B023
            costs.append(f"{(spent - base[size]) / (len(TEXT) / size) * 1e6:.1f} µs")
        message = best(lambda: judge(automaton, TEXT[:10_000]))  # noqa: B023
        sys.stdout.write(f"| {count} | {ready * 1e3:.0f} ms | {' | '.join(costs)} | {message * 1e3:.1f} ms |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
