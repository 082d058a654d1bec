"""The lists as they are now, ready to match: read at most every few seconds, in a thread that may use the ORM."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import DatabaseError

from chatsite.moderation.compiling import Automata, Compiler, Rows, automata_of
from chatsite.moderation.matching import Automaton
from chatsite.moderation.models import Term

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lists:
    """Per level of a model the automaton of what counts for it, or None if nothing does."""

    rows: Rows
    automata: Automata
    at: float


_known: Lists | None = None
_reading = threading.Lock()
_changing = threading.Lock()  # for whoever replaces what is known by what follows from it


def automaton_for(level: str) -> Automaton | None:
    """None if the level is off, if no list is enabled, or if `refresh` was never called."""
    return _known.automata.get(level) if _known else None


def refresh(patience: float | None = None) -> None:
    """Read the lists anew if they are older than CHAT_FILTER_AGE. What was known stays while the database is away.

    Changed lists count once they are compiled, which is waited for no longer than `patience` seconds (Compiler). Raises
    DatabaseError if nothing was ever read: no turn passes unfiltered.
    """
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
        _take(rows, now)
    if _known is not None and _known.rows != rows:
        _compiler.compile(rows, patience)


def _take(rows: Rows, now: float) -> None:
    """The first lists are compiled at once, whoever waits: nothing may pass without them."""
    global _known
    first = automata_of(rows) if _known is None else None
    with _changing:
        _known = Lists(rows, first, now) if first or _known is None else replace(_known, at=now)


def _publish(rows: Rows, automata: Automata) -> None:
    global _known
    with _changing:
        if _known is not None:
            _known = replace(_known, rows=rows, automata=automata)


_compiler = Compiler(_publish)


def _is_fresh() -> bool:
    return _known is not None and time.monotonic() - _known.at < settings.CHAT_FILTER_AGE


def forget(**_signal: object) -> None:
    """What was changed in this process counts in it from the next turn on."""
    global _known
    with _changing:
        if _known is not None:
            _known = replace(_known, at=float("-inf"))


def _rows() -> Rows:
    fields = "pk", "text", "list__language", "kind", "action", "level"
    return tuple(Term.objects.filter(enabled=True, list__enabled=True).order_by("pk").values_list(*fields))
