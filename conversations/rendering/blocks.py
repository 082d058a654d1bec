"""Markdown's blocks: which lines make a paragraph, a list, a fence …; CommonMark's containers for what models write.

One parser serves the splitter, which asks only where top-level blocks begin, and the renderer, so that they
cannot disagree. It takes a line at a time, in time linear in the text. Where models are sloppier than CommonMark:

- an item is nested from two columns right of its parent's marker on, whatever the parent's content column;
- a fence within a list lasts until its closing fence, however its lines are indented;
- there are no lazy lines: an unindented line that is no item ends a list, a line without `>` a quotation;
- `---` under a single line makes it a heading, under several it is a rule;
- a table ends with the first line without a pipe;
- a formula that begins with its line lasts until its closing mark, or the next blank line;
- a list of the other kind (bullets after numbers) is another block.
"""

from __future__ import annotations

from collections.abc import Iterable

from conversations.rendering.leaves import Block, Fence, Heading, IndentedCode, Paragraph, Rule
from conversations.rendering.lines import (
    BLANK,
    CODE_INDENT,
    FENCE,
    HEADING,
    INTERRUPTING_ITEM,
    ITEM,
    RULE,
    UNDECIDED_ITEM,
    indent_of,
    is_item,
)

MAX_DEPTH = 10  # lists and quotations within each other; deeper markers stay text
# A longer top-level list goes on as another block: neither that nor showing it while it grows may become costly.
LIST_LENGTH = 8_000  # characters, each line counting as ten more


class Quotation(Block):
    def __init__(self, line: str, depth: int) -> None:
        self.content = Container(depth=depth + 1)
        self.add(line)

    def takes(self, line: str) -> bool:
        return not self.blank and line.lstrip(" \t").startswith(">")

    def add(self, line: str) -> None:
        text = line.lstrip(" \t")[1:]
        self.content.feed(text[1:] if text[:1] in (" ", "\t") else text)


class List(Block):
    """Items with bullets, or with numbers. `loose`: blank lines stand between them, so their text is paragraphs."""

    def __init__(self, line: str, depth: int) -> None:
        self.items: list[Container] = []
        self.loose = False
        self._depth, self._length = depth, 0
        number = ITEM.match(line.lstrip(" \t"))[2]
        self.start = None if number is None else int(number)
        self._add_item(line)

    def takes(self, line: str) -> bool:
        if self.in_fence():
            return True
        indent = indent_of(line)
        if indent >= self._column + 2:
            return True
        item = is_item(line.lstrip(" \t"))
        if item is None:
            return indent > self._column
        return (item[2] is not None) == (self.start is not None) and not self._is_full()

    def add(self, line: str) -> None:
        is_sibling = indent_of(line) < self._column + 2 and is_item(line.lstrip(" \t")) and not self.in_fence()
        if is_sibling:
            self.loose |= self.blank
            self._add_item(line)
        else:
            content = self.items[-1]
            before = len(content.blocks)
            content.feed(line)
            self.loose |= self.blank and len(content.blocks) > before > 0
            self._length += len(line) + 10
        self.blank = False

    def add_blank(self, line: str) -> None:
        self.blank = True
        self.items[-1].feed(line)

    def ends_before(self, prefix: str) -> bool:
        return prefix[0] not in BLANK and not UNDECIDED_ITEM.fullmatch(prefix) and not self.takes(prefix)

    def in_fence(self) -> bool:
        return self.items[-1].in_fence()

    def _is_full(self) -> bool:
        return self._depth == 0 and self._length > LIST_LENGTH

    def _add_item(self, line: str) -> None:
        self._column = indent_of(line)
        self._length += len(line) + 10
        marker, _number, space, text = ITEM.match(line.lstrip(" \t")).groups()
        width = len(marker) + (len(space) if space and len(space) <= CODE_INDENT else 1)
        content = Container(self._column + width, self._depth + 1, in_list=True)
        content.feed(" " * (self._column + width) + text if text else "")
        self.items.append(content)


class Container:
    """The text, a quotation or an item: blocks below each other. `base`: the column at which its content stands."""

    def __init__(self, base: int = 0, depth: int = 0, *, in_list: bool = False, takes_formulas: bool = True) -> None:
        self.blocks: list[Block] = []
        self.takes_formulas = takes_formulas
        self._base, self._depth, self._in_list = base, depth, in_list

    def feed(self, line: str) -> None:
        """Add a line, without its end."""
        last = self.blocks[-1] if self.blocks else None
        if not line.strip(BLANK):
            if last:
                last.add_blank(line)
        elif last and last.takes(line):
            last.add(line)
            if isinstance(last, Paragraph):
                self._promote(last)
        else:
            self.blocks.append(self._start(line))

    def in_fence(self) -> bool:
        return bool(self.blocks) and self.blocks[-1].in_fence()

    def interrupts(self, line: str) -> bool:
        """Whether the line begins another block although no blank line stands before it."""
        text = line.lstrip(" \t")
        if text[0] not in "#>`~-*_+1" or self._depth >= MAX_DEPTH:
            return False
        if self._is_code(line, text):
            return False
        starts = (HEADING, RULE, FENCE, INTERRUPTING_ITEM)
        return text[0] == ">" or any(start.match(text) for start in starts)

    def parse_again(self, lines: Iterable[str]) -> list[Block]:
        """The blocks of lines that were taken for a formula."""
        container = Container(depth=self._depth, takes_formulas=False)
        for line in lines:
            container.feed(line)
        return container.blocks

    def _is_code(self, line: str, text: str) -> bool:
        """Within a list an item's marker counts at any indent: models nest by more than CommonMark allows."""
        return indent_of(line) >= self._base + CODE_INDENT and not (self._in_list and is_item(text))

    def _promote(self, paragraph: Paragraph) -> None:
        if heading := paragraph.as_heading():
            self.blocks[-1] = heading
        elif table := paragraph.take_table():
            if not paragraph.lines:
                self.blocks.pop()
            self.blocks.append(table)

    def _start(self, line: str) -> Block:
        text = line.lstrip(" \t")
        if self._depth >= MAX_DEPTH:
            return Paragraph(line, self)
        if self._is_code(line, text):
            return IndentedCode(line, self._base)
        if fence := FENCE.match(text):
            return Fence(line, fence)
        if heading := HEADING.match(text):
            return Heading(len(heading[1]), heading[2])
        if RULE.match(text):
            return Rule()
        if text[0] == ">":
            return Quotation(line, self._depth)
        return List(line, self._depth) if ITEM.match(text) else Paragraph(line, self)


def parse(text: str) -> list[Block]:
    """The blocks of a text whose lines end in line feeds."""
    container = Container()
    for line in text.removesuffix("\n").split("\n"):
        container.feed(line)
    return container.blocks
