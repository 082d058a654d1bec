"""Regular expressions of administrators, as trees that the automaton is built from.

Python's own parser reads them (re._parser: private, unchanged since Python 2). What an automaton cannot do is refused
with a sentence: back-references, looking ahead and behind. So is what is larger than a list's entry should be.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from re import _constants as sre
from re import _parser
from typing import Any

from django.utils.translation import gettext as _

from chatsite.moderation.matching.matchers import ANY, MARK, Among, Between, Kind, Matcher, OneOf
from chatsite.moderation.matching.units import is_mark, plain, units_of
from chatsite.moderation.matching.words import letter_paths

LONGEST_MATCH = 200  # units; what is longer is no match
MOST_NODES = 600


class PatternError(ValueError):
    """Its text is a sentence for whoever wrote the pattern."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One step: a unit, then any number of what does not count."""

    matcher: Matcher
    loop: Matcher | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    part: Any
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Wall:
    """The boundary of a word, or (`is_boundary` False) a place that is none."""

    is_boundary: bool


_CATEGORIES = {
    sre.CATEGORY_DIGIT: (Kind("digit"), False),
    sre.CATEGORY_NOT_DIGIT: (Kind("digit"), True),
    sre.CATEGORY_SPACE: (Kind("space"), False),
    sre.CATEGORY_NOT_SPACE: (Kind("space"), True),
    sre.CATEGORY_WORD: (Kind("letter"), False),
    sre.CATEGORY_NOT_WORD: (Kind("letter"), True),
}


def pattern_tree(text: str, language: str) -> Any:
    """Raises PatternError."""
    try:
        parsed = _parser.parse(unicodedata.normalize("NFC", text))
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(_("This is no regular expression: {reason}.").format(reason=error)) from None
    least, most = parsed.getwidth()
    if least < 1:
        raise PatternError(_("This pattern matches nothing at all, everywhere. Make a part of it obligatory."))
    if LONGEST_MATCH < most < int(sre.MAXREPEAT):
        raise PatternError(_("A pattern may match at most {limit} characters.").format(limit=LONGEST_MATCH))
    tree = _Reader(language).sequence(parsed)
    if size(tree) > MOST_NODES:
        raise PatternError(_("This pattern is too large. Repeat less, or divide it into several patterns."))
    return tree


def size(tree: Any) -> int:
    """How many steps it takes in the automaton: counted repeats are written out."""
    if isinstance(tree, Sequence):
        return sum(map(size, tree.parts))
    if isinstance(tree, Choice):
        return 1 + sum(map(size, tree.options))
    if isinstance(tree, Repeat):
        return 1 + size(tree.part) * max(tree.least + (tree.most is None), tree.most or 0)
    return 1


class _Reader:
    def __init__(self, language: str):
        self._language = language

    def sequence(self, parsed: Any) -> Sequence:
        return Sequence(tuple(self._part(operator, argument) for operator, argument in parsed))

    def _part(self, operator: Any, argument: Any) -> Any:
        if operator is sre.LITERAL:
            return self._literal(chr(argument))
        if operator is sre.ANY:
            return Unit(ANY, MARK)
        if operator is sre.NOT_LITERAL:
            return Unit(OneOf(self._single(chr(argument)), is_negated=True), MARK)
        if operator is sre.IN:
            return self._set(argument)
        if operator is sre.BRANCH:
            return Choice(tuple(self.sequence(option) for option in argument[1]))
        if operator is sre.SUBPATTERN:
            return self.sequence(argument[3])
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            least, most, part = argument
            return Repeat(self.sequence(part), least, None if most is sre.MAXREPEAT else most)
        if operator is sre.AT and argument in (sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY):
            return Wall(argument is sre.AT_BOUNDARY)
        raise PatternError(_refusal(operator))

    def _literal(self, character: str) -> Any:
        """A letter and its marks, as the language takes them."""
        base, *marks = unicodedata.normalize("NFD", character.lower())
        bases = [unit for unit in (units_of(base), units_of(base.upper())) if len(unit) == 1]
        if not bases or is_mark(bases[0]):
            return Sequence(tuple(Unit(Among(frozenset(unit))) for unit in units_of(character)))
        if not plain(bases[0]).isalpha():
            return Unit(Among(frozenset(bases[:1])), MARK)
        paths = letter_paths(frozenset(bases), "".join(marks), self._language)
        return Choice(tuple(Sequence(tuple(Unit(*step) for step in path)) for path in paths))

    def _set(self, items: list[tuple[Any, Any]]) -> Any:
        if items[0][0] is sre.NEGATE:
            matchers = tuple(matcher for item in items[1:] for matcher in self._matchers(*item))
            return Unit(OneOf(matchers, is_negated=True), MARK)
        letters = tuple(self._literal(chr(argument)) for operator, argument in items if operator is sre.LITERAL)
        others = tuple(matcher for item in items if item[0] is not sre.LITERAL for matcher in self._matchers(*item))
        return Choice((*letters, *((Unit(OneOf(others), MARK),) if others else ())))

    def _matchers(self, operator: Any, argument: Any) -> tuple[Matcher, ...]:
        if operator is sre.LITERAL:
            return self._single(chr(argument))
        if operator is sre.RANGE:
            return (Between(chr(argument[0]), chr(argument[1])),)
        kind, is_negated = _CATEGORIES[argument]
        return (OneOf((kind,), is_negated=True) if is_negated else kind,)

    @staticmethod
    def _single(character: str) -> tuple[Matcher, ...]:
        return (Among(frozenset(units_of(character)[:1])),)


def _refusal(operator: Any) -> str:
    if operator is sre.AT:
        return _("A pattern cannot ask for the beginning or end of a text: take out ^ and $, or use \\b.")
    return _("A pattern cannot look ahead or behind, nor refer back: {name} is not possible here.").format(
        name=str(operator).lower().replace("_", " ")
    )
