"""The blocks that hold text: paragraphs, headings, rules, tables and code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conversations.rendering.formulas import opens_display
from conversations.rendering.lines import BLANK, CODE_INDENT, FENCE, SETEXT, dedent, indent_of, is_delimiter_row

if TYPE_CHECKING:
    from conversations.rendering.blocks import Container


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
    """Text. A displayed formula in it takes every line up to its end: in TeX a line may begin with a minus.

    TeX has no blank lines in a formula; but models put them behind its opening and before its closing mark.
    """

    def __init__(self, line: str, container: Container) -> None:
        self.lines: list[str] = []
        self._container = container
        self._closing: str | None = None  # the mark that ends the open formula
        self._is_sure = False  # it began with its line: dollars behind a text may be anything
        self._add(line.lstrip(" \t"))

    def takes(self, line: str) -> bool:
        if self.blank:
            return self._goes_on_with(line.strip(BLANK))
        if self._closing and self._is_sure and not FENCE.match(line.lstrip(" \t")):
            return True
        return self._is_underline(line) or not self._container.interrupts(line)

    def add(self, line: str) -> None:
        self.blank = False
        self._add(line.lstrip(" \t"))

    def ends_before(self, prefix: str) -> bool:
        text = prefix.strip(BLANK)
        may_close = self._is_sure and (self._closing or " ").startswith(text)
        return self.blank and not may_close and not self._goes_on_with(text)

    @property
    def is_unclosed(self) -> bool:
        """It took lines that may begin blocks of their own, for a formula that never ended."""
        return self._closing is not None and self._is_sure and len(self.lines) > 1

    def without_formula(self) -> list[Block]:
        """The blocks of these lines if no formula is sought in them."""
        return self._container.parse_again(self.lines)

    def _goes_on_with(self, text: str) -> bool:
        """Whether what follows blank lines still belongs to the open formula."""
        is_empty = self.lines[-1].strip(BLANK) in ("$$", r"\[")
        return self._closing is not None and self._is_sure and (is_empty or text.startswith(self._closing))

    def _add(self, text: str) -> None:
        self.lines.append(text)
        if self._closing is None:
            self._closing = opens_display(text) if self._container.takes_formulas else None
            self._is_sure = text.startswith(("$$", r"\["))
        elif self._closing in text:
            self._closing = None

    def _is_underline(self, line: str) -> bool:
        return len(self.lines) == 1 and SETEXT.match(line.lstrip(" \t")) is not None

    def as_heading(self) -> Heading | None:
        """The heading that it has become if its second line underlines its first."""
        if self._closing is None and len(self.lines) == 2 and SETEXT.match(self.lines[1]):
            return Heading(1 if self.lines[1][0] == "=" else 2, self.lines[0])
        return None

    def take_table(self) -> Table | None:
        """The table that its last two lines begin, taken out of it."""
        if self._closing or len(self.lines) < 2 or "|" not in self.lines[-2] or not is_delimiter_row(self.lines[-1]):
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
