"""All rules as one graph: what may follow what. Words that begin alike share their beginning."""

from __future__ import annotations

from collections.abc import Iterable

from chatsite.moderation.matching.matchers import Matcher
from chatsite.moderation.matching.patterns import Choice, Repeat, Sequence, Unit, Wall, pattern_tree
from chatsite.moderation.matching.rules import Rule
from chatsite.moderation.matching.words import word_paths

# Whether a word's unit stands before and after a place, for places that may be passed.
Places = frozenset[tuple[bool, bool]]
BOUNDARY: Places = frozenset({(False, True), (True, False)})
NO_BOUNDARY: Places = frozenset({(False, False), (True, True)})
# Where listed words begin and end. The units themselves do not count: $hit begins with no letter.
BEGIN: Places = frozenset({(False, False), (False, True)})
END: Places = frozenset({(False, False), (True, False)})


class Nodes:
    """The nondeterministic automaton, by node: edges that take a unit, ways that take none, ways that need a place."""

    def __init__(self) -> None:
        self.edges: list[list[tuple[int, int]]] = []
        self.ends: list[Rule | None] = []
        self.holding: list[bool] = []
        """Whether a rule that masks or refuses may still end behind it."""
        self.matchers: dict[Matcher, int] = {}
        self._free: list[list[int]] = []
        self._walls: list[list[tuple[Places, int]]] = []
        self._children: dict[tuple, int] = {}
        self.root, self._word_root = self._node(), self._node()
        self._walls[self.root].append((BEGIN, self._word_root))

    def reached(self, nodes: Iterable[int], place: tuple[bool, bool]) -> list[int]:
        """The nodes, and those to which this place leads without a unit; each once, in a fixed order."""
        reached = dict.fromkeys(sorted(nodes))
        waiting = list(reached)
        while waiting:
            node = waiting.pop()
            passed = (to for places, to in self._walls[node] if place in places)
            for to in (*self._free[node], *passed):
                if to not in reached:
                    reached[to] = None
                    waiting.append(to)
        return list(reached)

    def _node(self, rule: Rule | None = None) -> int:
        for table in (self.edges, self._free, self._walls):
            table.append([])
        self.ends.append(rule)
        self.holding.append(False)
        return len(self.ends) - 1

    def _matcher(self, matcher: Matcher) -> int:
        return self.matchers.setdefault(matcher, len(self.matchers))

    def add(self, rule: Rule) -> None:
        known = len(self.ends)
        if rule.kind == "pattern":
            start = self._node()
            self._free[self.root].append(start)
            self._free[self._build(pattern_tree(rule.text, rule.language), start)].append(self._node(rule))
            paths = []
        else:
            paths = [self._add_path(steps, rule) for steps in word_paths(rule.text, rule.language)]
        if rule.action != "flag":
            for node in (*range(known, len(self.ends)), *(node for path in paths for node in path)):
                self.holding[node] = True

    def _add_path(self, steps: tuple, rule: Rule) -> list[int]:
        """Words that begin alike share their beginning: a state holds few nodes, however many words there are."""
        path, at = [], self._word_root
        for matcher, loop in steps:
            key = at, matcher, loop
            if key not in self._children:
                self._children[key] = self._step(at, matcher, loop)
            at = self._children[key]
            path.append(at)
        self._walls[at].append((END, self._node(rule)))
        return path

    def _step(self, at: int, matcher: Matcher, loop: Matcher | None) -> int:
        node = self._node()
        self.edges[at].append((self._matcher(matcher), node))
        if loop is not None:
            self.edges[node].append((self._matcher(loop), node))
        return node

    def _build(self, tree: object, at: int) -> int:
        """Add a pattern behind the node `at`; returns the node behind it."""
        if isinstance(tree, Unit):
            return self._step(at, tree.matcher, tree.loop)
        if isinstance(tree, Wall):
            node = self._node()
            self._walls[at].append((BOUNDARY if tree.is_boundary else NO_BOUNDARY, node))
            return node
        if isinstance(tree, Sequence):
            for part in tree.parts:
                at = self._build(part, at)
            return at
        if isinstance(tree, Choice):
            end = self._node()
            for option in tree.options:
                start = self._node()
                self._free[at].append(start)
                self._free[self._build(option, start)].append(end)
            return end
        assert isinstance(tree, Repeat)  # noqa: S101  nothing else is left
        return self._repeat(tree, at)

    def _repeat(self, tree: Repeat, at: int) -> int:
        for _time in range(tree.least):
            at = self._build(tree.part, at)
        end = self._node()
        if tree.most is None:
            loop = self._node()
            self._free[at].append(loop)
            self._free[self._build(tree.part, loop)].append(loop)
            self._free[loop].append(end)
            return end
        self._free[at].append(end)
        for _time in range(tree.most - tree.least):
            at = self._build(tree.part, at)
            self._free[at].append(end)
        return end
