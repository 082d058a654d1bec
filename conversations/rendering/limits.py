"""How much of a block is worth formatting, decided before it is parsed: nothing can stop Python in mid-parse.

The numbers were found with bench/hostile_markdown.py, which searches for blocks that take long.
"""

from __future__ import annotations

BLOCK = 30_000  # characters of lists, quotations, tables and paragraphs
MARKERS = 3_500  # characters in a block that begin an element
TAGS = 3_600  # attributes and entities in a block's HTML, before it is sanitized
INLINE = 10_000  # characters of one paragraph, heading, cell or item
INLINE_WORK = 300_000  # of a block; see inline_work
CODE = 10_000  # characters of code that are highlighted
CODE_LINE = 1_000
SPANS = 1_200  # coloured tokens of a code block
SPANS_WITHIN = 800  # of all code in a list or quotation
LEXING = 0.075  # seconds of CPU for a block's code; see highlight.py
FORMULA_DEPTH = 80  # levels of a formula
FORMULA_ELEMENTS = 1_000  # of MathML in a formula
FORMULAS = 3_000  # the same, of all formulas of a block
LONG_FORMULA = 60  # characters of a formula in a line, from which on it may be wider than a phone
DEFINITIONS = 500  # links and footnotes defined in a reply

MARKER_TEXTS = (*"*_`~[(|&<>@$\n", "://", "www.")
PAIRED_TEXTS = "[(*_~`<"


def can_format(source: str) -> bool:
    return len(source) <= BLOCK and sum(map(source.count, MARKER_TEXTS)) <= MARKERS


def inline_work(text: str) -> int:
    """How many characters Python-Markdown may look at: it seeks a partner for each of some up to the text's end."""
    return len(text) * sum(map(text.count, PAIRED_TEXTS))


def can_highlight(lines: list[str]) -> bool:
    return sum(map(len, lines)) + len(lines) <= CODE and max(map(len, lines), default=0) <= CODE_LINE


def can_sanitize(html: str) -> bool:
    return html.count("<") + html.count('="') + html.count("&") <= TAGS
