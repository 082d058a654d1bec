"""From what another site calls a message to what this one does, with the tree of versions kept.

Others have a node for each step of an answer: a thought, a call of a tool, its result, the text. Here an answer is one
message, so the steps of one turn become one, as long as no other version begins between them. What is hidden or empty
falls out, and its children follow its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.utils.translation import gettext as _

from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.reading import joined
from conversations.cleaning import clean
from conversations.types import Message, Transcript

NAMED = 10  # of what is left out


@dataclass(frozen=True, slots=True)
class Node:
    """A step, in the order of the file. `role` is "user", "assistant", or empty for what falls out."""

    id: str
    parent: str | None
    role: str
    text: str = ""
    reasoning: str = ""
    created_at: datetime | None = None
    model: str = ""
    label: str = ""
    reasoning_ms: int = 0
    status: str = "completed"
    error: str = ""
    left_out: tuple[str, ...] = ()
    """Names of files, pictures, recordings: they are not imported."""

    @property
    def is_kept(self) -> bool:
        said = self.text.strip() or self.reasoning.strip() or self.left_out or self.error or self.reasoning_ms
        return self.role in ("user", "assistant") and bool(said)


@dataclass
class _Tree:
    nodes: dict[str, Node]
    parents: dict[str, str | None] = field(default_factory=dict)
    children: dict[str | None, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for id_ in self.nodes:
            self.parents[id_] = self.nearest(self.nodes[id_].parent)
        kept = [id_ for id_, node in self.nodes.items() if node.is_kept]
        self._break_circles(kept)
        for id_ in kept:
            self.children.setdefault(self.parents[id_], []).append(id_)

    def nearest(self, id_: str | None) -> str | None:
        """This node if it is kept, else the first of its ancestors that is."""
        passed: set[str] = set()
        while id_ in self.nodes and not self.nodes[id_].is_kept:
            if id_ in passed:
                id_ = None
                break
            passed.add(id_)
            id_ = self.parents[id_] if id_ in self.parents else self.nodes[id_].parent
        found = id_ if id_ in self.nodes else None
        # A long chain of nodes that fall out is walked once, not once for each of them.
        self.parents.update(dict.fromkeys(passed, found))
        return found

    def _break_circles(self, kept: list[str]) -> None:
        sound: set[str | None] = {None}
        for id_ in kept:
            chain: dict[str, None] = {}
            at: str | None = id_
            while at not in sound:
                if at in chain:
                    self.parents[at] = None
                    break
                chain[at] = None
                at = self.parents[at]
            sound.update(chain)

    def in_order(self) -> list[str]:
        """Parents before children, siblings as in the file."""
        found, waiting = [], list(reversed(self.children.get(None, [])))
        while waiting:
            id_ = waiting.pop()
            found.append(id_)
            waiting.extend(reversed(self.children.get(id_, [])))
        return found


def transcript(nodes: Sequence[Node], leaf: str | None, *, space: UUID, began: datetime) -> Transcript:
    """`leaf` names the end of the branch that was shown, `space` makes ids that are the same each time.

    Raises ChatRefused where nothing was said.
    """
    known: dict[str, Node] = {}
    for node in nodes:
        known.setdefault(node.id, node)
    tree = _Tree(known)
    turns = _turns(tree)
    if not turns:
        raise ChatRefused(_("Nothing was said in it."))
    holder = {id_: turn[0] for turn in turns for id_ in turn}
    messages: dict[str, Message] = {}
    for turn in turns:
        above = tree.parents[turn[0]]
        parent = messages[holder[above]] if above is not None else None
        messages[turn[0]] = _message([known[id_] for id_ in turn], parent, space, began)
    shown = holder.get(tree.nearest(leaf) or "")
    whole = Transcript(tuple(messages.values()))
    last = messages[shown].id if shown else whole.end_below(messages[holder[tree.children[None][-1]]].id)
    return replace(whole, leaf=last)


def _turns(tree: _Tree) -> list[list[str]]:
    """The ids of the steps that become one message each."""
    turns: dict[str, list[str]] = {}
    began: dict[str, str] = {}
    for id_ in tree.in_order():
        above = tree.parents[id_]
        goes_on = (
            above is not None
            and tree.nodes[id_].role == tree.nodes[above].role == "assistant"
            and len(tree.children[above]) == 1
        )
        began[id_] = began[above] if goes_on else id_
        turns.setdefault(began[id_], []).append(id_)
    return list(turns.values())


def _message(steps: list[Node], parent: Message | None, space: UUID, began: datetime) -> Message:
    left_out = [clean(name) for step in steps for name in step.left_out]
    text = joined(*(step.text for step in steps), _not_imported(left_out))
    times = [step.created_at for step in steps if step.created_at]
    return Message(
        role=steps[0].role,  # type: ignore[arg-type]
        content=clean(text),
        id=uuid5(space, clean(steps[0].id)).hex,
        parent_id=parent.id if parent else None,
        created_at=times[-1] if times else parent.created_at if parent else began,
        metadata=_metadata(steps) if steps[0].role == "assistant" else {},
    )


def _not_imported(names: list[str]) -> str:
    return _("(Not imported: {names})").format(names=listed(names)) if names else ""


def listed(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    names = list(dict.fromkeys(names))
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else _("{names} and {count} more").format(names=shown, count=len(names) - NAMED)


def _metadata(steps: list[Node]) -> dict[str, Any]:
    model = next((step.model for step in reversed(steps) if step.model), "")
    found = {
        "status": steps[-1].status,
        "model": clean(model)[:200],
        "label": clean(next((step.label for step in reversed(steps) if step.label), "") or model)[:100],
        "reasoning": clean(joined(*(step.reasoning for step in steps))),
        "reasoning_ms": sum(step.reasoning_ms for step in steps),
        "error": clean(joined(*(step.error for step in steps)))[:2_000],
    }
    return {name: value for name, value in found.items() if value}
