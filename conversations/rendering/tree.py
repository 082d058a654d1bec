"""From blocks to a tree of elements, whose text Python-Markdown then formats (formatter.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions.tables import PIPE_LEFT, PIPE_RIGHT, TableProcessor
from markdown.util import AtomicString

from conversations.rendering.blocks import List, Quotation
from conversations.rendering.definitions import Footnote
from conversations.rendering.direction import set_direction
from conversations.rendering.formulas import find_formulas, may_hold_formulas
from conversations.rendering.highlight import Highlighter
from conversations.rendering.leaves import Block, Code, Heading, Paragraph, Rule, Table
from conversations.rendering.limits import INLINE, INLINE_WORK, inline_work
from conversations.rendering.plain import plain_code

PIPE = re.compile(r"(?<!\\)\|")
PIPE_BEFORE_LETTER = re.compile(r"(?<!\\)\|(?=[A-Za-z])")
PIPE_IN_BRACKETS = re.compile(r"[({\[][^(){}\[\]]*\|[^(){}\[\]]*[)}\]]")
TASK = re.compile(r"\[([ xX])\][ \t]+")
LEVELS_ABOVE = 2
OPEN_TASK, DONE_TASK = "\u2610 ", "\u2713 "  # a form's checkbox would be a control that does nothing


class TreeBuilder:
    """Builds one tree. `is_open`: the text is still being written; unclosed code then waits for its colours."""

    def __init__(self, markdown: Markdown, highlighter: Highlighter, *, is_open: bool = False) -> None:
        self._markdown, self._highlighter, self._is_open = markdown, highlighter, is_open
        self._work_left = INLINE_WORK
        self._tables = TableProcessor(markdown.parser, {"use_align_attribute": True})
        self._tables.border = PIPE_LEFT | PIPE_RIGHT

    def add(self, parent: Element, blocks: Iterable[Block]) -> None:
        for block in blocks:
            match block:
                case Paragraph() if block.is_unclosed and not self._is_open:
                    self.add(parent, block.without_formula())
                case Paragraph() if block.lines:
                    self._set_inline(SubElement(parent, "p"), "\n".join(block.lines))
                case Heading():
                    self._set_inline(_heading(parent, block.level), _without_closing_marks(block.text))
                case Rule():
                    SubElement(parent, "hr")
                case Code():
                    self._add_code(parent, block)
                case Quotation():
                    quotation = SubElement(parent, "blockquote")
                    self.add(quotation, block.content.blocks)
                    set_direction(quotation)
                case List():
                    self._add_list(parent, block)
                case Table():
                    self._add_table(parent, block.rows)

    def add_footnotes(self, parent: Element, notes: Iterable[Footnote]) -> None:
        section = SubElement(parent, "details", {"class": "footnotes"})
        SubElement(section, "summary")  # its words come with the page, in the reader's language
        items = SubElement(section, "ol")
        for note in notes:
            item = SubElement(items, "li", {"id": note.id})
            self._set_inline(SubElement(item, "span"), note.text)
            if note.is_referred_to:
                back = SubElement(item, "a", {"class": "footnote-back", "href": f"#{note.reference_id}"})
                back.text = AtomicString("\u2191")

    def _set_inline(self, element: Element, text: str) -> None:
        """Give an element its text: to be formatted, or as it is if that would take too long."""
        written = text.strip(" \t\n")
        text = self._with_formulas(written) if len(written) <= INLINE else written
        work = inline_work(text)
        if len(text) <= INLINE and work <= self._work_left:
            self._work_left -= work
            element.text = text
        else:
            element.text = AtomicString(written.replace("&", "&amp;"))

    def _with_formulas(self, text: str) -> str:
        """The text with marks in place of its formulas: neither emphasis nor escapes are sought in them."""
        if not may_hold_formulas(text):
            return text
        parts, position = [], 0
        for formula in find_formulas(text):
            parts += [text[position : formula.start], self._markdown.formulas.mark(formula)]
            position = formula.end
        return "".join([*parts, text[position:]])

    def _add_code(self, parent: Element, block: Code) -> None:
        waits = self._is_open and block.in_fence()
        html = plain_code(block.info, block.lines) if waits else self._highlighter.code_block(block)
        # Python-Markdown puts what was stashed in the place of the paragraph around its placeholder.
        SubElement(parent, "p").text = AtomicString(self._markdown.htmlStash.store(html))

    def _add_list(self, parent: Element, block: List) -> None:
        element = SubElement(parent, "ul" if block.start is None else "ol")
        if block.start not in (None, 1):
            element.set("start", str(block.start))
        for item in block.items:
            self._add_item(element, list(item.blocks), is_loose=block.loose)
        set_direction(element)

    def _add_item(self, parent: Element, blocks: list[Block], *, is_loose: bool) -> None:
        element = SubElement(parent, "li")
        first = blocks[0] if blocks else None
        if isinstance(first, Paragraph) and not first.is_unclosed:
            self._mark_task(element, first)
            if not is_loose:
                self._set_inline(element, "\n".join(first.lines))
                del blocks[0]
        self.add(element, blocks)

    def _mark_task(self, element: Element, paragraph: Paragraph) -> None:
        if task := TASK.match(paragraph.lines[0]):
            is_open = task[1] == " "
            element.set("class", "task" if is_open else "task done")
            paragraph.lines[0] = (OPEN_TASK if is_open else DONE_TASK) + paragraph.lines[0][task.end() :]

    def _add_table(self, parent: Element, rows: list[str]) -> None:
        """A table as wide as its head: models miscount the row below it."""
        head, delimiters, *body = map(_with_borders, rows)
        columns = len(self._tables._split_row(head))
        self._tables.separator = [*self._tables._split_row(delimiters), *[""] * columns][:columns]
        box = SubElement(parent, "div", {"class": "table", "tabindex": "0", "role": "region"})
        self._tables.run(box, ["\n".join([head, delimiters, *body])])
        for cell in box.iter():
            if cell.tag in ("td", "th"):
                self._set_inline(cell, cell.text or "")
                if alignment := cell.attrib.pop("align", None):
                    cell.set("class", f"align-{alignment}")
            elif cell.tag == "table":
                set_direction(cell)


def _heading(parent: Element, level: int) -> Element:
    """It belongs to an answer: on a page, the chat and the answer have headings above it. Copied, it is what it was."""
    return SubElement(parent, f"h{level}", {"aria-level": str(level + LEVELS_ABOVE)})


def _with_borders(row: str) -> str:
    row = _with_formulas_whole(row.strip(" \t"))
    row = row if row.startswith("|") else f"|{row}"
    return row if len(row) > 1 and TableProcessor.RE_END_BORDER.search(row) else f"{row} |"


def _with_formulas_whole(row: str) -> str:
    """A row whose formulas hold no pipes: TeX has another name for what would end a cell."""
    if "|" not in row or not may_hold_formulas(row):
        return row
    parts, position = [], 0
    for formula in find_formulas(row):
        parts += [row[position : formula.start], _without_pipes(formula.source)]
        position = formula.end
    return "".join([*parts, row[position:]])


def _without_pipes(source: str) -> str:
    """Unless one of them ends a cell: money on both sides of it."""
    if source.count("|") % 2 and not PIPE_IN_BRACKETS.search(source):
        return source
    return PIPE.sub(r"\\vert", PIPE_BEFORE_LETTER.sub(r"\\vert ", source))


def _without_closing_marks(heading: str) -> str:
    text = heading.rstrip(" \t")
    bare = text.rstrip("#")
    return bare if not bare or bare[-1] in " \t" else text
