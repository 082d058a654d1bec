"""Python-Markdown, math-core, bleach, Pygments put together: blocks in, safe HTML out. Importing this takes 0.1 s."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.blockparser import BlockParser
from markdown.postprocessors import RawHtmlPostprocessor
from markdown.serializers import to_html_string
from markdown.treeprocessors import InlineProcessor, UnescapeTreeprocessor
from markdown.util import Registry

from conversations.rendering.definitions import Definitions, take_definitions
from conversations.rendering.highlight import Highlighter
from conversations.rendering.inline import ESCAPABLE, inline_patterns
from conversations.rendering.leaves import Block, Code
from conversations.rendering.limits import SPANS, SPANS_WITHIN, can_sanitize
from conversations.rendering.links import SafeLinks
from conversations.rendering.places import FormulaPlaces, Formulas
from conversations.rendering.plain import code_html, language_of
from conversations.rendering.sanitize import Sanitizer
from conversations.rendering.tree import TreeBuilder


class _Markdown(Markdown):
    """Python-Markdown from the tree on: blocks are ours, raw HTML is text, white space is not prettified."""

    def build_parser(self) -> _Markdown:
        self.definitions = Definitions()
        self.formulas = Formulas()
        self.parser = BlockParser(self)
        self.ESCAPED_CHARS = list(ESCAPABLE)
        self.inlinePatterns = inline_patterns(self)
        self.preprocessors, self.treeprocessors, self.postprocessors = Registry(), Registry(), Registry()
        self.treeprocessors.register(InlineProcessor(self), "inline", 20)
        self.treeprocessors.register(UnescapeTreeprocessor(self), "unescape", 10)
        self.treeprocessors.register(SafeLinks(self), "links", 0)
        self.treeprocessors.register(FormulaPlaces(self), "formulas", -10)
        self.postprocessors.register(RawHtmlPostprocessor(self), "raw_html", 30)
        return self


class Formatter:
    """Markdown's blocks as safe HTML. One per thread: the libraries keep state while they work."""

    def __init__(self) -> None:
        self._markdown = _Markdown()
        self._sanitizer = Sanitizer()

    def format(self, blocks: Sequence[Block], definitions: Definitions, *, is_open: bool = False) -> str | None:
        """The HTML of these blocks; None if it is more than can be sanitized in time."""
        take_definitions(blocks, Definitions())  # `definitions` has them, or they are of no use to a block alone
        root = self._start(definitions)
        TreeBuilder(self._markdown, Highlighter(SPANS_WITHIN), is_open=is_open).add(root, blocks)
        return self._finish(root)

    def format_code(self, block: Code) -> str | None:
        """The HTML of a block that is code; None if it stays without colours."""
        code = Highlighter(SPANS).coloured(block)
        return None if code is None else self._sanitizer.clean(code_html(language_of(block.info), code))

    def format_footnotes(self, definitions: Definitions) -> str | None:
        """What stands below a reply with footnotes; as `format`."""
        root = self._start(definitions)
        TreeBuilder(self._markdown, Highlighter(0)).add_footnotes(root, definitions.footnotes.values())
        return self._finish(root)

    def _start(self, definitions: Definitions) -> Element:
        self._markdown.reset()
        self._markdown.references.update(definitions.links)
        self._markdown.definitions = definitions
        self._markdown.formulas = Formulas()
        return Element(self._markdown.doc_tag)

    def _finish(self, root: Element) -> str | None:
        for processor in self._markdown.treeprocessors:
            processor.run(root)
        html = "".join(map(to_html_string, root))
        for processor in self._markdown.postprocessors:
            html = processor.run(html)
        return self._markdown.formulas.fill(self._sanitizer.clean(html)) if can_sanitize(html) else None
