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

    def refer(self, name: str) -> Footnote | None:
        """The note of that name, if it is defined."""
        note = self.footnotes.get(name)
        if note is not None:
            note.is_referred_to = True
        return note

    def take_from(self, paragraph: Paragraph) -> None:
        """Move the definitions at the beginning of a paragraph out of it; the first of a name counts."""
        taken = 0
        for line in paragraph.lines:
            if not self._take(line):
                break
            taken += 1
        del paragraph.lines[:taken]

    def _take(self, line: str) -> bool:
        if len(self.links) + len(self.footnotes) >= DEFINITIONS:
            return False
        if note := FOOTNOTE.match(line):
            self._add_footnote(note[1], note[2])
        elif link := LINK.match(line):
            label, in_brackets, bare, *titles = link.groups()
            target = (in_brackets or bare, next(filter(None, titles), None))
            self.links.setdefault(" ".join(label.lower().split()), target)
        else:
            return False
        return True

    def _add_footnote(self, name: str, text: str) -> None:
        if name not in self.footnotes:
            number = len(self.footnotes) + 1
            self.footnotes[name] = Footnote(number, text, f"fn-{self.key}-{number}", f"fnref-{self.key}-{number}")


def take_definitions(blocks: Iterable[Block], definitions: Definitions) -> None:
    for block in blocks:
        if isinstance(block, Paragraph) and block.lines[0][0] == "[":
            definitions.take_from(block)


def definitions_of(text: str) -> Definitions:
    """All that a reply defines."""
    definitions = Definitions(sha256(text.encode("utf-8", "replace")).hexdigest()[:12])
    if MAYBE.search(text):
        take_definitions(parse(clean(text)), definitions)
    return definitions
