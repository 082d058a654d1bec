"""TeX to MathML, by math-core; then built anew from the few elements and attributes that are known to be harmless.

math-core names styles in attributes, which the pages' policy forbids: they become classes here.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from html import escape, unescape
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, fromstring

from conversations.rendering.limits import FORMULA_ELEMENTS
from conversations.rendering.tex import MACROS, prepared

if TYPE_CHECKING:
    from math_core import LatexToMathML

logger = logging.getLogger(__name__)

ELEMENTS = frozenset(
    (
        *(
            "math",
            "menclose",
            "mfrac",
            "mi",
            "mmultiscripts",
            "mn",
            "mo",
            "mover",
            "mpadded",
            "mphantom",
            "mprescripts",
        ),
        *("mroot", "mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr"),
        *("munder", "munderover", "none"),
    )
)
WITHIN_TEXT = {
    "b": "b",
    "strong": "b",
    "i": "i",
    "em": "i",
    "code": "code",
    "span": "",
    "u": "",
}  # "": only what is in it
LENGTH = re.compile(r"-?(\d+(?:\.\d+)?)(?:em|ex)?")
DEEPEST = 150  # levels of MathML; browsers end at some 500
LONGEST = 4.0  # em: no space reaches beyond its formula's neighbours
LENGTHS = frozenset({"lspace", "rspace", "minsize", "maxsize", "width", "height", "depth", "linethickness"})
KEYWORDS = frozenset({"true", "false", "0", "1", "2", "3", "normal", "prefix", "infix", "postfix", "block"})
WORDED = frozenset(
    {"display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "form", "accent", "accentunder"}
)
NOTATIONS = {"box": "boxed", "updiagonalstrike": "strike-up", "downdiagonalstrike": "strike-down"}
STYLES = {
    "text-align: left": "from-left",
    "text-align: right": "from-right",
    "padding-left: 0": "tight-left",
    "padding-right: 0": "tight-right",
    "padding-left:1em": "apart",
    "border-top: 0.05em solid currentcolor": "line-above",
    "border-bottom: 0.05em solid currentcolor": "line-below",
    "border-left: 0.05em solid currentcolor": "line-left",
    "border-right: 0.05em solid currentcolor": "line-right",
    "margin-left:-0.16666667em": "back",
}
CLASSES = frozenset({*NOTATIONS.values(), *STYLES.values()})
COMBINING_LINES = ("\u0332", "\u0305")
ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)[A-Za-z]+;")


def to_mathml(tex: str, *, is_displayed: bool) -> str | None:
    """A formula as MathML; None if it is no TeX, or more than can be shown."""
    tex = prepared(tex)
    mathml = None if tex is None else _converted(tex, is_displayed=is_displayed)
    if mathml is None or mathml.count("<") > 2 * FORMULA_ELEMENTS:
        return None
    try:
        return rebuilt(fromstring(ENTITY.sub(lambda match: unescape(match[0]), mathml)))  # noqa: S314 - no doctype
    except ParseError:
        return None


def _converted(tex: str, *, is_displayed: bool) -> str | None:
    from math_core import LatexError  # not at the top: most answers hold no formula

    try:
        return _converter().convert_with_local_state(tex, displaystyle=is_displayed)
    except LatexError:
        return None
    except BaseException as error:  # a panic of the compiled parser is no Exception; it leaves nothing half done
        if type(error).__name__ != "PanicException":
            raise
        logger.error("A formula of %d characters made math-core panic", len(tex))
        return None


def rebuilt(element: Element, depth: int = 0) -> str:
    """The element as markup of which nothing is left but what is known here. Raises ParseError if it holds others."""
    tag = element.tag
    if depth > DEEPEST:
        raise ParseError("too deep")
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        parts += [rebuilt(child, depth + 1), escape(child.tail or "", quote=False)]
    inner = "".join(parts)
    if tag in WITHIN_TEXT:
        tag = WITHIN_TEXT[tag]
        return f"<{tag}>{inner}</{tag}>" if tag else inner
    if line := _line(element):
        return f'<mrow class="{line}">{parts[1]}</mrow>'
    if tag not in ELEMENTS:
        raise ParseError(f"<{tag}> is not known")
    classes = _classes(element)
    kept = {name: value for name, value in element.attrib.items() if _is_kept(name, value)}
    kept |= {"class": " ".join(classes)} if classes else {}
    attributes = "".join(f' {name}="{value}"' for name, value in kept.items())
    return f"<{_core_name(tag)}{attributes}>{inner}</{_core_name(tag)}>"


def _line(element: Element) -> str:
    """The class of a line over or under a formula. math-core combines it with a character, which no font stretches."""
    is_line = len(element) == 2 and element[1].tag == "mo" and element[1].text in COMBINING_LINES
    return {"mover": "line-over", "munder": "line-under"}.get(element.tag, "") if is_line else ""


def _core_name(tag: str) -> str:
    """Browsers know no <menclose>; its classes draw it."""
    return "mrow" if tag == "menclose" else tag


def _classes(element: Element) -> list[str]:
    styles = (style.strip() for style in element.get("style", "").split(";"))
    notations = element.get("notation", "").split()
    return [STYLES[style] for style in styles if style in STYLES] + [
        NOTATIONS[notation] for notation in notations if notation in NOTATIONS
    ]


def _is_kept(name: str, value: str) -> bool:
    if name in LENGTHS:
        length = LENGTH.fullmatch(value)
        return length is not None and float(length[1]) <= LONGEST
    return name in WORDED and value in KEYWORDS


@cache
def _converter() -> LatexToMathML:
    from math_core import LatexToMathML

    return LatexToMathML(macros=MACROS, max_expansions=100, fancy_error=False, allow_unreliable_rendering=True)
