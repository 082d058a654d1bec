"""What is wrong with an entry, before it is taken in."""

from __future__ import annotations

from django.utils.translation import gettext as _

from chatsite.moderation.matching.automaton import Automaton
from chatsite.moderation.matching.patterns import PatternError, pattern_tree
from chatsite.moderation.matching.rules import Rule
from chatsite.moderation.matching.units import is_word, written

LONGEST_WORD = 100  # units
MOST_STATES = 2_000  # of one pattern: then matching costs a look into a dict, whatever is sent
_SAMPLE = "aeiouxz09 _-.,\n\u0301ệđя中"


def problem_of(rule: Rule) -> str:
    """Why a rule cannot be used, as a sentence; empty if it can."""
    return _of_pattern(rule) if rule.kind == "pattern" else _of_word(rule)


def is_usable(rule: Rule) -> bool:
    """Whether it can be matched at all: asked of what is stored, so without the longer part of problem_of."""
    try:
        return rule.kind != "pattern" or bool(pattern_tree(rule.text, rule.language))
    except PatternError:
        return False


def _of_pattern(rule: Rule) -> str:
    try:
        pattern_tree(rule.text, rule.language)
    except PatternError as error:
        return str(error)
    if Automaton([rule]).reachable(rule.text + _SAMPLE, MOST_STATES) > MOST_STATES:
        return _("This pattern has too many ways to match. Repeat less, or divide it into several patterns.")
    return ""


def _of_word(rule: Rule) -> str:
    units = written(rule.text)
    if not any(map(is_word, units)):
        return _("A word needs at least one letter or digit.")
    if "|" in rule.text or rule.text[0] in "#/":  # lists are exported as lines, where these mean something
        return _("A word can neither begin with # or / nor have a | in it. Write a pattern instead.")
    if len(units) > LONGEST_WORD:
        return _("A word or phrase may have at most {limit} letters.").format(limit=LONGEST_WORD)
    return ""
