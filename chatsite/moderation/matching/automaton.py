"""All rules in one automaton. It is fed unit by unit, so it does not matter in which pieces a text comes.

The rules make a nondeterministic automaton; of the deterministic one that follows from it, states are made when a text
first leads there, and kept. A step is then one look into a dict, however many rules there are, and no pattern can make
it more: there is nothing to backtrack.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from chatsite.moderation.matching.nodes import Nodes
from chatsite.moderation.matching.rules import Rule
from chatsite.moderation.matching.units import is_word, units_of

MOST_STATES = 5_000  # then they are made anew, so that no text fills the memory
STATES_PER_RULE = 8  # or so many, where there are many rules: their beginnings alone are states that texts lead to
MOST_CHARACTERS = 50_000


class State(dict):
    """symbol → (the next state or None, the rules that end before this symbol). Made when asked for."""

    __slots__ = ("_automaton", "before", "holds", "nodes")

    def __init__(self, automaton: Automaton, nodes: frozenset[int], before: bool, holds: bool):
        self._automaton = automaton
        self.nodes, self.before = nodes, before
        self.holds = holds
        """Whether what leads on from here may be masked or refused: then nobody may see it yet."""

    def __missing__(self, symbol: int) -> tuple[State | None, tuple[Rule, ...]]:
        found = self[symbol] = self._automaton.step(self, symbol)
        return found


class Automaton(dict):
    """character → its symbols; units that all rules treat alike share one symbol.

    `starts` are the states in which a match may begin: after no word, and after a word's unit. Threads may share it;
    two that make the same state at once make two that are alike.
    """

    def __init__(self, rules: Iterable[Rule]):
        self._nodes = Nodes()
        rules = list(rules)
        for rule in rules:
            self._nodes.add(rule)
        self._most_states = max(MOST_STATES, STATES_PER_RULE * len(rules))
        self._numbering = threading.Lock()
        self._symbols: dict[tuple[bool, ...], int] = {}
        self._takes: list[tuple[bool, ...]] = []
        self.is_word: list[bool] = []
        self._forget_states()

    def __missing__(self, character: str) -> tuple[int, ...]:
        if len(self) > MOST_CHARACTERS:
            self.clear()
        found = self[character] = tuple(map(self._symbol, units_of(character)))
        return found

    def _symbol(self, unit: str) -> int:
        takes = (*(matcher.takes(unit) for matcher in self._nodes.matchers), is_word(unit))
        with self._numbering:  # long messages are judged in threads of their own
            if takes not in self._symbols:
                self._takes.append(takes)
                self.is_word.append(takes[-1])
                self._symbols[takes] = len(self._takes) - 1
            return self._symbols[takes]

    def step(self, state: State, symbol: int) -> tuple[State | None, tuple[Rule, ...]]:
        takes, ends = self._takes[symbol], self._nodes.ends
        nodes = self._nodes.reached(state.nodes, (state.before, takes[-1]))
        ended = tuple(ends[node] for node in nodes if ends[node])
        following = frozenset(to for node in nodes for matcher, to in self._nodes.edges[node] if takes[matcher])
        return (self._state(following, takes[-1]) if following else None), ended

    def ending(self, state: State) -> tuple[Rule, ...]:
        """The rules that end where the text ends."""
        ends = self._nodes.ends
        nodes = self._nodes.reached(state.nodes, (state.before, False))
        return tuple(ends[node] for node in nodes if ends[node])

    def _state(self, nodes: frozenset[int], before: bool) -> State:
        if len(self._states) > self._most_states:
            self._forget_states()
        key = nodes, before
        if key not in self._states:
            self._states[key] = State(self, nodes, before, any(self._nodes.holding[node] for node in nodes))
        return self._states[key]

    def reachable(self, characters: str, most: int) -> int:
        """How many states texts of these characters lead to; no more than a few beyond `most` are made."""
        symbols = {symbol for character in characters for symbol in self[character]}
        waiting, seen = list(self.starts), set(map(id, self.starts))
        while waiting and len(seen) <= most:
            state = waiting.pop()
            for following, _ended in map(state.__getitem__, symbols):
                if following is not None and id(following) not in seen:
                    seen.add(id(following))
                    waiting.append(following)
        return len(seen)

    def _forget_states(self) -> None:
        self._states: dict[tuple[frozenset[int], bool], State] = {}
        root = frozenset({self._nodes.root})
        self.starts = State(self, root, False, False), State(self, root, True, False)
