"""What is wrong with a tree, told before anybody walks into it."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error

from conversations.backends.rules.tree import Tree


def check_tree(tree: Tree, title: str) -> Iterator[CheckMessage]:
    """Missing start (E121), dangling targets (E122), unreachable nodes (E123), missing texts (E124)."""
    if tree.start not in tree.nodes:
        yield Error(
            f"The rules “{title}” begin nowhere: “start” is “{tree.start}”, and no node is called so.",
            hint="Set “start” to the name of a node.",
            id="conversations.E121",
        )
    for name, node in tree.nodes.items():
        for choice in node.choices:
            if choice.to not in tree.nodes:
                yield Error(
                    f"In the rules “{title}” the node “{name}” offers a choice that leads to “{choice.to}”, "
                    "which does not exist.",
                    hint="Correct the choice's “to”, or add the node.",
                    id="conversations.E122",
                )
    yield from _unreachable(tree, title)
    yield from _silent(tree, title)


def _unreachable(tree: Tree, title: str) -> Iterator[CheckMessage]:
    to_visit = {tree.start} | {name for name, node in tree.nodes.items() if node.rule}
    reached: set[str] = set()
    while to_visit:
        name = to_visit.pop()
        if name in tree.nodes and name not in reached:
            reached.add(name)
            to_visit.update(choice.to for choice in tree.nodes[name].choices)
    for name in tree.nodes.keys() - reached if tree.start in tree.nodes else ():
        yield Error(
            f"In the rules “{title}” nothing leads to the node “{name}”.",
            hint="Offer it as a choice, give it keywords, or remove it.",
            id="conversations.E123",
        )


def _silent(tree: Tree, title: str) -> Iterator[CheckMessage]:
    for name, node in tree.nodes.items():
        for language in node.text.missing(tree.languages or ("",)):
            in_language = f" in the language “{language}”" if language else ""
            yield Error(
                f"In the rules “{title}” the node “{name}” has no text{in_language}.",
                hint="Write its “text”.",
                id="conversations.E124",
            )
