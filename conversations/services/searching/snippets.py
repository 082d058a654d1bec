"""How well a text fits a query, and the piece of it that shows so. Nothing here is HTML: pages mark and escape."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

from conversations.indexing.folding import composed, fold, places
from conversations.services.searching.query import SearchQuery

BEFORE, AFTER = 50, 190  # characters of a snippet before and after where it begins to fit
MOST_COUNTED = 5  # times that a word counts; more say nothing more
# A regular expression keeps everybody waiting. Where one begins to fit at every other letter, which is no language, it
# sees the beginning of the text only.
MOST_WORK = 6_000
LITTLE = 1_000  # characters
HALF_LIFE = 60.0  # days after which being new counts half
_SPACE = re.compile(r"\s+")
# Marks of Markdown that only disturb in one line of text.
_MARKUP = re.compile(r"```\w*|\*\*+|__+|`+|^#{1,6} |^>+ ?|^\|?(?:\s*:?-{3,}:?\s*\|)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    is_match: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """A text in which all that was looked for is found."""

    text: str
    query: SearchQuery
    score: float
    at: int
    """Where it is found best, in the folded text."""

    def snippet(self) -> tuple[Piece, ...]:
        """What stands around the place where it fits best."""
        text = composed(self.text)
        index = places(text)
        at = index[min(self.at, len(index) - 1)]
        start, end = max(0, at - BEFORE), min(len(text), at + AFTER)
        start = _at_gap(text, start, at) if start else 0
        cut = text[start:end] if end == len(text) else text[start:end].rsplit(None, 1)[0]
        cut = _MARKUP.sub(" ", cut)
        found = marked(cut, self.query)
        first, last = ("… " if start else ""), (" …" if end < len(text) else "")
        return tuple(piece for piece in (Piece(first), *found, Piece(last)) if piece.text)

    def whole(self) -> tuple[Piece, ...]:
        return marked(composed(self.text), self.query)


def fit(text: str, query: SearchQuery, said: datetime, now: datetime) -> Fit | None:
    """None if something is missing, which the index could not tell."""
    whole = composed(text)
    folded = fold(whole)
    if query.work(folded) > MOST_WORK:
        folded = folded[:LITTLE]
    firsts = [pattern.search(folded) for pattern in query.patterns]
    if not firsts or not all(firsts):
        return None
    together = query.together.search(folded) if query.together else firsts[0]
    counts = [_count(pattern, folded) for pattern in query.patterns]
    score = sum(math.log2(1 + count) for count in counts) / len(counts)
    score += 2.0 if together else 0.0
    score += sum(bool(pattern.search(folded)) for pattern in query.whole) / len(query.whole)
    score += 1.5 if query.marked and _has_marks(whole.lower(), query) else 0.0
    age = max(0.0, (now - said).total_seconds() / 86400)
    score += 1.5 * 0.5 ** (age / HALF_LIFE)
    # Apart, the rarest of the terms: the others are likely to be near it, or everywhere.
    best = together or firsts[counts.index(min(counts))]
    return Fit(text, query, score, best.start())


def marked(text: str, query: SearchQuery) -> tuple[Piece, ...]:
    """A composed text in pieces, with white space made small."""
    folded, index = fold(text), places(text)
    spans = sorted(match.span() for pattern in query.patterns for match in pattern.finditer(folded))
    found, at = [], 0
    for start, end in spans:
        start, end = max(index[start], at), index[end]
        if end <= start:
            continue
        found += [Piece(_narrow(text[at:start])), Piece(_narrow(text[start:end]), True)]
        at = end
    found.append(Piece(_narrow(text[at:])))
    return tuple(piece for piece in found if piece.text)


def _count(pattern: re.Pattern[str], folded: str) -> int:
    count = 0
    for count, _match in enumerate(pattern.finditer(folded), 1):
        if count == MOST_COUNTED:
            break
    return count


def _has_marks(lower: str, query: SearchQuery) -> bool:
    return all(word in lower for word in query.marked)


def _at_gap(text: str, start: int, end: int) -> int:
    """After the first white space, so that a snippet begins with a word; where there is none, as it is."""
    gap = _SPACE.search(text, start, end)
    return gap.end() if gap else start


def _narrow(text: str) -> str:
    return _SPACE.sub(" ", text)
