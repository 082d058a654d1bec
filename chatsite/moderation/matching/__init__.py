"""Finding listed words and patterns in text: characters → units → an automaton → matches.

units.py says what a character is to the matcher, words.py and patterns.py turn words and regular expressions into
paths, nodes.py and automaton.py run all of them at once, scanning.py remembers where in the text it is.
"""

from chatsite.moderation.matching.automaton import Automaton
from chatsite.moderation.matching.problems import is_usable, problem_of
from chatsite.moderation.matching.rules import Language, Rule
from chatsite.moderation.matching.scanning import LONGEST_MATCH, Match, Scanner

__all__ = [
    "LONGEST_MATCH",
    "Automaton",
    "Language",
    "Match",
    "Rule",
    "Scanner",
    "is_usable",
    "problem_of",
]
