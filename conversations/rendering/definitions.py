"""What one part of a reply defines for another: the targets of links, and footnotes.

Definitions stand at the beginning of a paragraph that is in no list or quotation, each on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from conversations.rendering.blocks import parse
from conversations.rendering.leaves import Block, Paragraph
from conversations.rendering.limits import DEFINITIONS
from conversations.rendering.plain import clean

MAYBE = re.compile(r"^[ \t]*\[[^\[\]\n]+\]:", re.MULTILINE)
FOOTNOTE = re.compile(r"\[\^([^\[\]\s]{1,60})\]:[ \t]+(.+)$")
LINK = re.compile(
    r"""\[([^\[\]]{1,200})\]:[ \t]*
    (?:<([^<>]+)>|([^\s<>]+))
    (?:[ \t]+(?:"([^"]*)"|'([^']*)'|\(([^()]*)\)))?
    [ \t]*$""",
    re.VERBOSE,
)


@dataclass
class Footnote:
    """`id` and `reference_id` are the fragments of its text and of the first place that refers to it."""

    number: int
    text: str
    id: str
    reference_id: str
    is_referred_to: bool = False


@dataclass
class Definitions:
    """`links`: label in lower case → (address, title). `footnotes`: name → note, in the order of definition."""

    key: str = ""  # of the reply: keeps its footnotes' ids apart from all others on the page
    links: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    footnotes: dict[str, Footnote] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.links or self.footnotes)

    def take_from(self, paragraph: Paragraph) -> None:
        """Move the definitions at the beginning of a paragraph out of it; the first of a name counts.

        Lines below a footnote go on with it.
        """
        taken, note = 0, None
        for line in paragraph.lines:
            footnote = FOOTNOTE.match(line)
            link = None if footnote else LINK.match(line)
            if (footnote or link) and len(self.links) + len(self.footnotes) >= DEFINITIONS:
                break
            if footnote:
                note = self._add_footnote(footnote[1], footnote[2])
            elif link:
                note = self._add_link(*link.groups())
            elif note:
                note.text += f"\n{line}"
            else:
                break
            taken += 1
        del paragraph.lines[:taken]

    def _add_link(self, label: str, in_brackets: str | None, bare: str | None, *titles: str | None) -> None:
        target = (in_brackets or bare, next(filter(None, titles), None))
        self.links.setdefault(" ".join(label.lower().split()), target)

    def _add_footnote(self, name: str, text: str) -> Footnote:
        number = len(self.footnotes) + 1
        note = Footnote(number, text, f"fn-{self.key}-{number}", f"fnref-{self.key}-{number}")
        self.footnotes.setdefault(name, note)
        return note


def key_of(text: str) -> str:
    """What stands in the fragments of a reply's footnotes."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def take_definitions(blocks: Iterable[Block], definitions: Definitions) -> None:
    for block in blocks:
        if isinstance(block, Paragraph) and block.lines[0][0] == "[":
            definitions.take_from(block)


def definitions_of(text: str) -> Definitions:
    """All that a reply defines."""
    definitions = Definitions(key_of(text))
    if MAYBE.search(text):
        take_definitions(parse(clean(text)), definitions)
    return definitions
