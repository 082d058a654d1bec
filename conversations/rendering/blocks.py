"""Markdown's blocks: which lines make a paragraph, a list, a fence …; CommonMark's containers for what models write.

One parser serves the splitter, which asks only where top-level blocks begin, and the renderer, so that they
cannot disagree. It takes a line at a time, in time linear in the text. Where models are sloppier than CommonMark:

- an item is nested from two columns right of its parent's marker on, whatever the parent's content column;
- a fence within a list lasts until its closing fence, however its lines are indented;
- there are no lazy lines: an unindented line that is no item ends a list, a line without `>` a quotation;
- `---` under a single line makes it a heading, under several it is a rule;
- a table ends with the first line without a pipe;
- a list of the other kind (bullets after numbers) is another block.
"""

from __future__ import annotations

import re

MAX_DEPTH = 10  # lists and quotations within each other; deeper markers stay text
# A longer top-level list goes on as another block: neither that nor showing it while it grows may become costly.
LIST_LENGTH = 8_000  # characters, each line counting as ten more
CODE_INDENT = 4  # columns

BLANK = " \t\r"
HEADING = re.compile(r"(#{1,6})(?:[ \t]+|$)(.*)")
RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}$")
FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
ITEM = re.compile(r"([-*+]|(\d{1,9})[.)])(?:([ \t]+)(.*))?$")
INTERRUPTING_ITEM = re.compile(r"(?:[-*+]|1[.)])[ \t]+[^ \t]")
UNDECIDED_ITEM = re.compile(r"[-*+_ \t]+|\d{1,9}[.)]?[ \t]*")
SETEXT = re.compile(r"(?:={2,}|-{2,})[ \t]*$")


def indent_of(line: str) -> int:
    """Columns of white space before the text; a tab leads to the next multiple of four."""
    lead = line[: len(line) - len(line.lstrip(" \t"))]
    return len(lead.expandtabs(CODE_INDENT)) if "\t" in lead else len(lead)


def dedent(line: str, columns: int) -> str:
    """The line without up to so many columns of leading white space."""
    if not columns or not line[:1].isspace():
        return line
    text = line.lstrip(" \t")
    return " " * max(0, indent_of(line) - columns) + text


def is_item(text: str) -> re.Match[str] | None:
    return None if RULE.match(text) else ITEM.match(text)


def is_delimiter_row(text: str) -> bool:
    return "|" in text and "-" in text and set(text) <= set("|:- \t")


class Block:
    """Consecutive lines of one kind. `blank`: empty lines follow them, which belong to the block before."""

    blank = False

    def takes(self, line: str) -> bool:
        """Whether a line that is not blank belongs to this block."""
        return False

    def add(self, line: str) -> None:
        raise NotImplementedError

    def add_blank(self, line: str) -> None:
        self.blank = True

    def ends_before(self, prefix: str) -> bool:
        """Whether no line that begins with `prefix`, which is not blank, can belong to this block."""
        return self.blank

    def in_fence(self) -> bool:
        """Whether an open fence within it takes every line."""
        return False


class Heading(Block):
    def __init__(self, level: int, text: str) -> None:
        self.level, self.text = level, text

    def ends_before(self, prefix: str) -> bool:
        return True


class Rule(Block):
    def ends_before(self, prefix: str) -> bool:
        return True


class Paragraph(Block):
    def __init__(self, line: str, container: Container) -> None:
        self.lines = [line.lstrip(" \t")]
        self._container = container

    def takes(self, line: str) -> bool:
        if self.blank:
            return False
        return self._is_underline(line) or not self._container.interrupts(line)

    def add(self, line: str) -> None:
        self.lines.append(line.lstrip(" \t"))

    def _is_underline(self, line: str) -> bool:
        return len(self.lines) == 1 and SETEXT.match(line.lstrip(" \t")) is not None

    def as_heading(self) -> Heading | None:
        """The heading that it has become if its second line underlines its first."""
        if len(self.lines) == 2 and SETEXT.match(self.lines[1]):
            return Heading(1 if self.lines[1][0] == "=" else 2, self.lines[0])
        return None

    def take_table(self) -> Table | None:
        """The table that its last two lines begin, taken out of it."""
        if len(self.lines) < 2 or "|" not in self.lines[-2] or not is_delimiter_row(self.lines[-1]):
            return None
        rows = self.lines[-2:]
        del self.lines[-2:]
        return Table(rows, self._container)


class Table(Block):
    def __init__(self, rows: list[str], container: Container) -> None:
        self.rows = rows
        self._container = container

    def takes(self, line: str) -> bool:
        return not self.blank and "|" in line and not self._container.interrupts(line)

    def add(self, line: str) -> None:
        self.rows.append(line.lstrip(" \t"))


class Code(Block):
    """Lines shown as they are. `info` is what stands behind the opening fence: the language comes first."""

    info = ""
    lines: list[str]


class Fence(Code):
    """Code between ``` or ~~~."""

    def __init__(self, line: str, match: re.Match[str]) -> None:
        self._indent = indent_of(line)
        self._mark = match[1] or match[3]
        self.info = (match[2] or match[4] or "").strip()
        self.lines: list[str] = []
        self.closed = False

    def takes(self, line: str) -> bool:
        return not self.closed

    def add(self, line: str) -> None:
        text = line.strip(BLANK)
        is_mark = text[0] == self._mark[0] and len(text) >= len(self._mark) and not text.strip(self._mark[0])
        if is_mark and indent_of(line) < self._indent + CODE_INDENT:
            self.closed = True
        else:
            self.lines.append(dedent(line, self._indent))

    def add_blank(self, line: str) -> None:
        if self.closed:
            self.blank = True
        else:
            self.lines.append(dedent(line, self._indent))

    def ends_before(self, prefix: str) -> bool:
        return self.closed

    def in_fence(self) -> bool:
        return not self.closed


class IndentedCode(Code):
    def __init__(self, line: str, base: int) -> None:
        self._indent = base + CODE_INDENT
        self._blanks = 0
        self.lines = [dedent(line, self._indent)]

    def takes(self, line: str) -> bool:
        return indent_of(line) >= self._indent

    def add(self, line: str) -> None:
        self.lines += [""] * self._blanks
        self._blanks = 0
        self.lines.append(dedent(line, self._indent))

    def add_blank(self, line: str) -> None:
        self._blanks += 1

    def ends_before(self, prefix: str) -> bool:
        return indent_of(prefix) < self._indent


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

    def __init__(self, base: int = 0, depth: int = 0, *, in_list: bool = False) -> None:
        self.blocks: list[Block] = []
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
