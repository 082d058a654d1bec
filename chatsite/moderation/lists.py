"""The lists as they are now, ready to match: read at most every few seconds, in a thread that may use the ORM."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError

from chatsite.moderation.matching import Automaton, Rule, is_usable
from chatsite.moderation.models import Level, Term

logger = logging.getLogger(__name__)
_COMMON = "abcdefghijklmnopqrstuvwxyz .,\n"


@dataclass(frozen=True, slots=True)
class Lists:
    """Per level of a model the automaton of what counts for it, or None if nothing does."""

    rows: tuple[tuple, ...]
    automata: dict[str, Automaton | None]
    at: float


_known: Lists | None = None
_reading = threading.Lock()


def automaton_for(level: str) -> Automaton | None:
    """None if the level is off, if no list is enabled, or if `refresh` was never called."""
    return _known.automata.get(level) if _known else None


def refresh() -> None:
    """Read the lists anew if they are older than CHAT_FILTER_AGE. What was known stays while the database is away.

    Raises DatabaseError if nothing was ever read: no turn passes unfiltered.
    """
    global _known
    if _is_fresh():
        return
    with _reading:
        if _is_fresh():  # somebody else has read them meanwhile
            return
        now = time.monotonic()
        try:
            rows = _rows()
        except DatabaseError as error:
            if _known is None:
                raise
            logger.warning("The filter's lists could not be read, the last ones count: %s", type(error).__name__)
            return
        is_same = _known is not None and _known.rows == rows
        _known = Lists(rows, _known.automata if is_same else _automata(rows), now)


def _is_fresh() -> bool:
    return _known is not None and time.monotonic() - _known.at < settings.CHAT_FILTER_AGE


def forget(**_signal: object) -> None:
    """What was changed in this process counts in it from the next turn on."""
    global _known
    if _known is not None:
        _known = Lists(_known.rows, _known.automata, float("-inf"))


def _rows() -> tuple[tuple, ...]:
    fields = "pk", "text", "list__language", "kind", "action", "level"
    return tuple(Term.objects.filter(enabled=True, list__enabled=True).order_by("pk").values_list(*fields))


def _automata(rows: tuple[tuple, ...]) -> dict[str, Automaton | None]:
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
