"""Formulas on their way through Markdown: marks in the text, then places in the HTML, filled after it was sanitized.

MathML is long, and bleach takes milliseconds for each kilobyte; mathml.py lets less through than bleach could.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

from conversations.rendering.formulas import Formula
from conversations.rendering.limits import FORMULAS, LONG_FORMULA
from conversations.rendering.mathml import to_mathml
from conversations.rendering.plain import escaped

MARK = r"\x02math:(\d+)\x03"  # no text holds these controls: they are replaced where it is cleaned
PLACE = re.compile(r'<span class="math">(\d+)</span>')


class Formulas:
    """Those of one block."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self._html: list[str] = []
        self._elements_left = FORMULAS

    def mark(self, formula: Formula) -> str:
        """What stands for the formula in the text."""
        self.sources.append(formula.source)
        self._html.append(self._shown(formula))
        return f"\x02math:{len(self.sources) - 1}\x03"

    def fill(self, html: str) -> str:
        return PLACE.sub(lambda place: self._html[int(place[1])], html) if self._html else html

    def _shown(self, formula: Formula) -> str:
        """As MathML, or as it was written."""
        mathml = to_mathml(formula.tex, is_displayed=formula.is_displayed) if self._elements_left > 0 else None
        if mathml is None:
            return f'<code class="tex">{escaped(formula.source)}</code>'
        self._elements_left -= mathml.count("</")
        if formula.is_displayed:
            return f'<span class="math displayed">{mathml}</span>'
        return f'<span class="math long">{mathml}</span>' if len(formula.tex) > LONG_FORMULA else mathml


class FormulaMark(InlineProcessor):
    """A mark becomes an element with the source in it, which is what a link's address or title takes from it."""

    def handleMatch(self, m, data):
        number = int(m[1])
        place = Element("span", {"class": "math", "number": m[1]})
        place.text = AtomicString(self.md.formulas.sources[number])
        return place, m.start(), m.end()


class FormulaPlaces(Treeprocessor):
    """Runs once no text is taken from elements any more."""

    def run(self, root: Element) -> None:
        for place in root.iter("span"):
            if number := place.attrib.pop("number", None):
                place.text = AtomicString(number)
