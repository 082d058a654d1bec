"""From the rows of the lists to automata. Thousands of entries take seconds: changed lists are compiled in a thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from chatsite.moderation.matching import Automaton, Rule, is_usable
from chatsite.moderation.models import Level

logger = logging.getLogger(__name__)
PATIENCE = 0.25  # seconds that a turn waits for changed lists: enough for short ones
_COMMON = "abcdefghijklmnopqrstuvwxyz .,\n"
Rows = tuple[tuple, ...]
Automata = dict[str, Automaton | None]


def automata_of(rows: Rows) -> Automata:
    rules = [(Rule(*row[:5]), row[5]) for row in rows]
    usable = [(rule, level) for rule, level in rules if is_usable(rule)]
    standard = [rule for rule, level in usable if level == Level.STANDARD]
    every = [rule for rule, _level in usable]
    for rule in {rule for rule, _level in rules}.difference(every):  # entered past the admin
        logger.error("The filter's entry %d is left out: the admin says why", rule.id)
    first = compiled(standard)
    return {"standard": first, "strict": first if len(every) == len(standard) else compiled(every)}


def compiled(rules: list[Rule]) -> Automaton | None:
    """An automaton that has seen the common characters, so that the first message need not wait for them."""
    if not rules:
        return None
    automaton = Automaton(rules)
    for character in _COMMON:
        for symbol in automaton[character]:
            for start in automaton.starts:
                state = start[symbol][0]
                for second in _COMMON if state is not None else "":
                    for following in automaton[second]:
                        state[following]
    return automaton


class Compiler:
    """One thread at most, which lives while there is something to compile; of what was asked for, the newest."""

    def __init__(self, done: Callable[[Rows, Automata], None]) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._wanted: Rows | None = None
        self._thread: threading.Thread | None = None

    def compile(self, rows: Rows, patience: float | None = None) -> None:
        """Returns when these are done, or after `patience` seconds: by default PATIENCE, or none if they are under way.

        A thread of the database is kept so long: the turns of everybody may be waiting behind it.
        """
        with self._lock:
            if self._thread is not None and self._wanted == rows:
                patience = patience or 0.0
            self._wanted = rows
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="filter-lists", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(PATIENCE if patience is None else patience)

    def _work(self) -> None:
        done: Rows | None = None
        while (rows := self._next(done)) is not None:
            try:
                self._done(rows, automata_of(rows))
            except Exception:  # the last lists count; the next reading tries again
                logger.exception("The filter's lists could not be compiled")
            done = rows

    def _next(self, done: Rows | None) -> Rows | None:
        """What is to be compiled now; if nothing is, this thread has ended for whoever comes next."""
        with self._lock:
            if self._wanted == done:
                self._thread = None
                return None
            return self._wanted
