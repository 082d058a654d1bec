"""Where in a text the rules match: an automaton is started at every unit, and most starts end at once."""

from __future__ import annotations

from dataclasses import dataclass

from chatsite.moderation.matching.automaton import Automaton, State
from chatsite.moderation.matching.patterns import LONGEST_MATCH
from chatsite.moderation.matching.rules import Rule


@dataclass(frozen=True, slots=True)
class Match:
    """`text` is what stands between `start` and `end`, counted in characters from the beginning."""

    start: int
    end: int
    rule: Rule
    text: str


class Scanner:
    """Reads a text in pieces. Wherever it is cut, the same matches are found, each when its end is known."""

    def __init__(self, automaton: Automaton, *, said: str = "", stops: bool = False):
        """`said` comes before the text, and what ends in it is no match any more.

        `stops`: read no further than to the first match that refuses the text.
        """
        self._automaton = automaton
        self._stops = stops
        self._threads: list[tuple[int, int, State]] = []  # where it began, in characters and in units; the oldest first
        self._is_after_word = False
        self._units = 0
        self._end = 0  # of the last character that can be seen
        self._text, self._base = "", 0  # from where the oldest thread began
        self._found: list[Match] = []
        self.position = 0
        self.stopped: Match | None = None
        self._since = len(said)
        self.feed(said)

    @property
    def open_since(self) -> int:
        """Where the earliest beginning stands of what may still be masked or refused; `position` if there is none."""
        for start, _born, state in self._threads:
            if state.holds:
                return start
        return self.position

    def feed(self, text: str) -> tuple[Match, ...]:
        automaton, threads, place = self._automaton, self._threads, self.position
        starts, is_word, after_word = automaton.starts, automaton.is_word, self._is_after_word
        units, end = self._units, self._end
        self._text += text
        for character in text:
            for symbol in automaton[character]:
                if threads:
                    threads = self._advanced(threads, symbol, units, end)
                    if self.stopped:
                        break
                state = starts[after_word][symbol][0]
                if state is not None:
                    threads.append((place, units, state))
                after_word = is_word[symbol]
                units += 1
                end = place + 1
            if self.stopped:
                break
            place += 1
        self._threads, self._is_after_word, self._units, self._end = threads, after_word, units, end
        self._move_to(place)
        return self._taken()

    def finish(self) -> tuple[Match, ...]:
        """The matches that end where the text ends."""
        for start, _born, state in () if self.stopped else self._threads:
            for rule in self._automaton.ending(state):
                self._note(start, self._end, rule)
        self._threads = []
        self._move_to(self.position)
        return self._taken()

    def _advanced(self, threads: list, symbol: int, units: int, end: int) -> list[tuple[int, int, State]]:
        alive: list[tuple[int, int, State]] = []
        seen: set[int] = set()
        noted: set[int] = set()
        for start, born, state in threads:
            following, ended = state[symbol]
            for rule in ended:
                if rule.id not in noted:  # the oldest thread's match holds those of the others
                    noted.add(rule.id)
                    self._note(start, end, rule)
            # Threads in one state find the same from here on: the oldest speaks for all.
            if following is not None and id(following) not in seen and units - born < LONGEST_MATCH:
                seen.add(id(following))
                alive.append((start, born, following))
        return alive

    def _note(self, start: int, end: int, rule: Rule) -> None:
        if end <= self._since:
            return
        text = self._text[start - self._base : end - self._base]
        if rule.kind == "word" and is_number(text) and not is_number(rule.text):
            return
        match = Match(start, end, rule, text)
        self._found.append(match)
        if self._stops and rule.action == "refuse" and self.stopped is None:
            self.stopped = match

    def _move_to(self, place: int) -> None:
        """Forget the text that no thread needs any more."""
        self.position = place
        kept = self._threads[0][0] if self._threads else place
        if kept > self._base:
            self._text = self._text[kept - self._base :] if self._threads else ""
            self._base = kept

    def _taken(self) -> tuple[Match, ...]:
        if not self._found:
            return ()
        found, self._found = tuple(self._found), []
        return found


def is_number(text: str) -> bool:
    """More digits than anything else: a road (A55), a code or a number, not a word in disguise."""
    return 2 * sum(map(str.isdigit, text)) > len(text)
