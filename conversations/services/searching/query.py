"""What somebody looks for: words, the beginnings of words, "phrases", and runs of letters in scripts without spaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from conversations.indexing.folding import LONGEST_WORD, SIGNS, UNSPACED, composed, fold, pairs, pieces

MOST_CHARACTERS = 200
MOST_TERMS = 8
MOST_PAIRS = 12
SHORTEST_BEGINNING = 2  # letters; a single one begins a third of all words
SHORTEST_STEM = 4  # letters that also find what they begin anywhere in the query: "recipe soup", recipes
_LETTER = rf"[^\W_{UNSPACED}]"
_END = rf"(?!{_LETTER}|[{SIGNS}])"
_GAP = r"[\W_]*"
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]*)["“”„«»]|([^"“”„«»]+)')


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a run of letters without spaces, folded. `is_beginning`: longer words count, too."""

    text: str
    is_run: bool = False
    is_beginning: bool = False

    @property
    def pattern(self) -> str:
        text = re.escape(self.text)
        if self.is_run:
            return text
        # The word first and what stands before it afterwards: so Python looks for letters, which is quick.
        starts = rf"(?<!{_LETTER}{text})(?<![{SIGNS}]{text})"
        return text + starts + ("" if self.is_beginning else _END)

    def groups(self) -> list[list[str]]:
        """What the index is asked for; it may find more than `pattern` does."""
        if self.is_run:
            return [[pair] for pair in pairs(self.text)[:MOST_PAIRS]] or [[f"{self.text}*"]]
        word = self.text[:LONGEST_WORD]
        if not self.is_beginning:
            return [[word]]
        return [[f"{word}*"]] if len(word) >= SHORTEST_BEGINNING else []


@dataclass(frozen=True)
class SearchQuery:
    """All of its phrases have to be found; a phrase is one term, or several that stand together."""

    phrases: tuple[tuple[Term, ...], ...]
    marked: tuple[str, ...] = ()
    """The words as they were written, if they have accents: texts with the same ones come first."""

    @classmethod
    def parse(cls, text: str) -> SearchQuery:
        text = composed(text[:MOST_CHARACTERS])
        phrases: list[tuple[Term, ...]] = []
        for quoted, plain in _QUOTED.findall(text):
            if quoted:
                phrases.append(tuple(Term(word, is_run) for word, is_run in pieces(fold(quoted))))
            else:
                phrases += [(_term(word, is_run),) for word, is_run in pieces(fold(plain))]
        phrases = _first_terms([phrase for phrase in phrases if phrase])
        if phrases and not text.rstrip().endswith(('"', "”", "»")):
            phrases[-1] = tuple(_begun(term) for term in phrases[-1])
        lower = text.lower()
        marked = () if fold(lower) == lower else tuple(re.findall(r"[^\W_]+", lower))
        return cls(tuple(phrases), marked)

    def work(self, folded: str) -> int:
        """How often it has to be looked whether a term stands in this text, about: it is looked wherever one begins."""
        phrases = [*self.phrases, [term for phrase in self.phrases for term in phrase]]
        return sum(len(phrase) * folded.count(phrase[0].text[:2]) for phrase in phrases if phrase)

    def groups(self) -> list[list[str]]:
        """For the index: of each group one word. Empty if there is nothing to look for."""
        terms = [term for phrase in self.phrases for term in phrase]
        found = [group for term in terms for group in term.groups()]
        return found or [[term.text[:LONGEST_WORD]] for term in terms]

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(_GAP.join(term.pattern for term in phrase)) for phrase in self.phrases)

    @cached_property
    def together(self) -> re.Pattern[str] | None:
        """All terms one after the other, if there are several."""
        terms = [term.pattern for phrase in self.phrases for term in phrase]
        return re.compile(_GAP.join(terms)) if len(self.phrases) > 1 else None

    @cached_property
    def whole(self) -> tuple[re.Pattern[str], ...]:
        """The same as `patterns`, where the words end with what was typed."""
        return tuple(re.compile(pattern.pattern + _END) for pattern in self.patterns)


def _first_terms(phrases: list[tuple[Term, ...]]) -> list[tuple[Term, ...]]:
    """So many as are looked for; a phrase may be cut."""
    found, left = [], MOST_TERMS
    for phrase in phrases:
        if left > 0:
            found.append(phrase[:left])
            left -= len(phrase)
    return found


def _term(word: str, is_run: bool) -> Term:
    return Term(word, is_run, not is_run and len(word) >= SHORTEST_STEM)


def _begun(term: Term) -> Term:
    """The last word may be half written."""
    return term if term.is_run else Term(term.text, False, True)
