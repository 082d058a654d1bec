"""Where somebody stands in a tree, and what is said there. Nothing is kept: it all follows from the messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from conversations.backends.rules.tree import Choice, Node, Tree
from conversations.backends.rules.words import language_of, normalize
from conversations.types import Message

_NUMBER = re.compile(r"(?:(?:option|choice|number|no|step|so|buoc|muc|lua chon|chon) )*(\d{1,2})")


class Walk:
    """The trail through a tree (names of nodes, the last is where one stands) and the language spoken."""

    def __init__(self, tree: Tree):
        self.tree = tree
        self.trail = [tree.start]
        self.language = tree.languages[0] if tree.languages else ""

    @property
    def node(self) -> Node:
        return self.tree.nodes[self.trail[-1]]

    def offered(self) -> tuple[Choice, ...]:
        """What can be picked by number; where nothing leads on, the first choices are offered again."""
        return self.node.choices or self.tree.nodes[self.tree.start].choices

    def visit(self, name: str) -> None:
        """Stand at a node. One that was passed already shortens the trail, so that “back” never goes in circles."""
        if name in self.trail:
            del self.trail[self.trail.index(name) + 1 :]
        else:
            self.trail.append(name)

    def hear(self, text: str) -> bool:
        """Go where a message leads; False, and nobody moves, if no rule knows it."""
        self.language = language_of(text, self.tree.signs) or self.language
        target = self._target(normalize(text))
        if target is not None:
            self.visit(target)
        return target is not None

    def say(self, *, known: bool = True) -> str:
        """What is said at this node, in Markdown, the choices as a numbered list at its end."""
        parts = [(self.node.text if known else self.tree.unknown).get(self.language)]
        choices = self.node.choices if known else self.offered()
        if choices:
            labels = (choice.label.get(self.language) for choice in choices)
            parts.append(self.tree.prompt.get(self.language))
            parts.append("\n".join(f"{number}. {label}" for number, label in enumerate(labels, 1)))
        return "\n\n".join(part.strip() for part in parts if part)

    def _target(self, words: str) -> str | None:
        choices = self.offered()
        number = _NUMBER.fullmatch(words)
        if number and 1 <= int(number[1]) <= len(choices):
            return choices[int(number[1]) - 1].to
        if words in self.tree.commands["restart"]:
            return self.tree.start
        if words in self.tree.commands["back"]:
            return self.trail[-2] if len(self.trail) > 1 else self.tree.start
        for choice in choices:
            if words in map(normalize, choice.label.by_language.values()):
                return choice.to
        return self.tree.labels.get(words) or self._best(words, choices)

    def _best(self, words: str, choices: Iterable[Choice]) -> str | None:
        """The place whose rule fits best; among equals an offered choice, then what stands further down: trees go
        from the general to the special."""
        places = enumerate(self.tree.nodes.values())
        ranks = [(node.rule.score(words), False, order, node.name) for order, node in places]
        ranks += [(choice.rule.score(words), True, 0, choice.to) for choice in choices]
        score, _offered, _order, name = max(ranks)
        return name if score else None


class Replies:
    """All that a tree can say, so that its own replies are recognised among the messages of a conversation."""

    def __init__(self, tree: Tree):
        self.tree = tree

    @cached_property
    def _places(self) -> dict[str, tuple[str, str]]:
        """Text → (node, language)."""
        places: dict[str, tuple[str, str]] = {}
        for name in self.tree.nodes:
            for language in self.tree.languages or ("",):
                walk = Walk(self.tree)
                walk.trail, walk.language = [name], language
                for known in (True, False):
                    places.setdefault(walk.say(known=known), (name, language))
        return places

    def follow(self, messages: Iterable[Message]) -> Walk:
        """Stand where the replies so far have led.

        A reply that is not recognised (it was stopped, the texts were edited since, another model wrote it) counts
        as the one that the message before it would get today.
        """
        walk, said = Walk(self.tree), ""
        for message in messages:
            if message.role == "user":
                said = message.content
            elif message.role == "assistant":
                place = self._places.get(message.content.strip())
                if place is None:
                    walk.hear(said)
                else:
                    name, walk.language = place
                    walk.visit(name)
        return walk
