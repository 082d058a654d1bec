"""What one step of a path takes: units, told by a condition. Values, so that like steps are recognised as one."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Protocol

from chatsite.moderation.matching.units import VIETNAMESE_MARKS, is_mark, is_word, plain

# Signs that stand for letters in disguise; in words only, patterns mean what they say.
LEET = {
    "a": "4@", "b": "8", "c": "¢", "e": "3€", "g": "9", "i": "1!|", "l": "1|", "o": "0", "s": "5$", "t": "7+",
    "y": "¥", "z": "2",
}  # fmt: skip
# Between the words of a phrase. No full stops and commas: what they part is no phrase.
_JOINING = "-_*~`'’\""


class Matcher(Protocol):
    def takes(self, unit: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Among:
    """One of these units, as it is."""

    units: frozenset[str]

    def takes(self, unit: str) -> bool:
        return unit in self.units


@dataclass(frozen=True, slots=True)
class Letter:
    """A Latin letter in whatever guise; `but` are letters that look like it and are others in the rule's language."""

    letter: str
    is_leet: bool = False
    but: str = ""

    def takes(self, unit: str) -> bool:
        if self.is_leet and unit in LEET.get(self.letter, ""):
            return True
        return plain(unit) == self.letter and unit not in self.but


@dataclass(frozen=True, slots=True)
class Kind:
    """letter (or digit), digit, space, mark, foreign (a mark that Vietnamese has not), joining, any (but a line's end).

    Marks are taken by those alone that name them: in a pattern they belong to the step before.
    """

    name: str

    def takes(self, unit: str) -> bool:
        return _KINDS[self.name](unit)


@dataclass(frozen=True, slots=True)
class Between:
    """A range as [a-z] writes it."""

    first: str
    last: str

    def takes(self, unit: str) -> bool:
        return self.first <= unit <= self.last or self.first <= unit.upper() <= self.last


@dataclass(frozen=True, slots=True)
class OneOf:
    matchers: tuple[Matcher, ...]
    is_negated: bool = False

    def takes(self, unit: str) -> bool:
        if self.is_negated:
            return not is_mark(unit) and not any(matcher.takes(unit) for matcher in self.matchers)
        return any(matcher.takes(unit) for matcher in self.matchers)


_KINDS = {
    "letter": lambda unit: is_word(unit) and not is_mark(unit),
    "digit": lambda unit: unicodedata.category(unit) == "Nd",
    "space": str.isspace,
    "mark": is_mark,
    "foreign": lambda unit: is_mark(unit) and unit not in VIETNAMESE_MARKS,
    "joining": lambda unit: unit.isspace() or unit in _JOINING or unicodedata.category(unit) == "Pd",
    "any": lambda unit: unit != "\n" and not is_mark(unit),
}
MARK, FOREIGN_MARK, JOINING, ANY = Kind("mark"), Kind("foreign"), Kind("joining"), Kind("any")
