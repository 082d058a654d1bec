"""Markdown → blocks of safe HTML; the only importer of markdown, bleach, Pygments and math-core.

A reply's HTML is defined as the concatenation of its top-level blocks, live and on reload alike:

    text ── splitter.py ──> sources ── reply.py ──> HTML
             blocks.py, leaves.py, lines.py: where lists, paragraphs, fences … begin and end
             plain.py: prose and over-long blocks, escaped, without any library
             limits.py: what is worth formatting, decided before parsing
             tree.py, inline.py, highlight.py, definitions.py: blocks to elements, by Python-Markdown and Pygments
             formulas.py, tex.py, mathml.py, places.py: mathematics, found before Markdown and put in its place after it
             direction.py: on which side lists, tables and quotations begin
             links.py: where links may lead, and that one sees where
             sanitize.py: bleach, last but for the MathML, which mathml.py builds anew
             formatter.py: those put together

A single line feed within a paragraph is white space, as in CommonMark; two spaces or a backslash before it make a line
break. Raw HTML is text. Nothing in a reply loads anything from elsewhere.
"""

from conversations.rendering.plain import is_plain
from conversations.rendering.reply import (
    RENDERER_VERSION,
    needs_whole,
    render,
    render_block,
    render_open,
    warm_up,
)
from conversations.rendering.splitter import BlockSplitter, split

__all__ = [
    "RENDERER_VERSION",
    "BlockSplitter",
    "is_plain",
    "needs_whole",
    "render",
    "render_block",
    "render_open",
    "split",
    "warm_up",
]
