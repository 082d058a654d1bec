r"""Where a text holds mathematics: `$…$` and `\(…\)` within a line, `$$…$$` and `\[…\]` on lines of their own.

Found before anything else in a line but code and addresses, because TeX is full of what Markdown takes for its own. A
dollar is money until there is no other way to read it: what stands between two of them touches both, no letter or digit
touches them from outside, and it is no prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_INLINE = 1_000  # characters of one formula
MOST_DISPLAYED = 4_000

TOKEN = re.compile(r"\\[(\[]|\\[\s\S]|`+|\$+|(?i:https?|www\.)[^\s<>]+")
DISPLAYED = ("$$", r"\[")
CLOSING = {"$$": "$$", r"\[": r"\]", r"\(": r"\)"}
BETWEEN_DOLLARS = re.compile(rf"((?:[^$\\`]|\\[^`]){{1,{MOST_INLINE}}})\$(?![$0-9A-Za-z])")

# Prose: words beside each other, once commands, and what stands in their braces, are taken out.
COMMAND = re.compile(r"\\[A-Za-z]+\*?(?:[ ]?\{[^{}]*\})*|\\.", re.DOTALL)
WORDS = re.compile(r"[^\W\d_]{2,}[,.;:]?[ \t\n]+[^\W\d_]{2,}")
WORD = re.compile(r"(?:^|(?<=[ \t]))[^\W\d_]{2,}(?=[ \t]|$)")


class Formula(NamedTuple):
    """`source` is as it was written, `tex` what stands between its marks."""

    start: int
    source: str
    tex: str
    is_displayed: bool

    @property
    def end(self) -> int:
        return self.start + len(self.source)


def find_formulas(text: str) -> Iterator[Formula]:
    """The formulas of a text, in time linear in it."""
    position = 0
    while token := TOKEN.search(text, position):
        mark = token[0]
        position = token.end()
        if mark[0] == "`":
            position = _after_code(text, token)
        elif mark == "$":
            if formula := _between_dollars(text, token):
                yield formula
                position = formula.end
        elif mark in CLOSING:
            end = text.find(CLOSING[mark], position, position + MOST_DISPLAYED)
            if end < 0:
                continue
            formula = _formula(text, token.start(), end, mark)
            position = end + 2
            if formula:
                yield formula


def may_hold_formulas(text: str) -> bool:
    r"""Whether it is worth looking. A backslash alone makes `\(`."""
    return text.count("$") > 1 or r"\(" in text or r"\[" in text


def opens_display(line: str) -> str | None:
    r"""What closes the formula that begins or ends this line and goes on below it: `$$` or `\]`."""
    text = line.strip()
    if text[:2] in DISPLAYED and text[2:3] != "$":
        return None if CLOSING[text[:2]] in text[2:] else CLOSING[text[:2]]
    if text[-2:] in DISPLAYED and text[-3:-2] not in ("$", "\\"):
        return None if text.count("$$") > 1 else CLOSING[text[-2:]]
    return None


def _after_code(text: str, opening: re.Match[str]) -> int:
    """Where the code span ends that these backticks begin; behind them if they begin none."""
    closing = re.compile(rf"(?<!`){opening[0]}(?!`)").search(text, opening.end())
    return closing.end() if closing else opening.end()


def _between_dollars(text: str, dollar: re.Match[str]) -> Formula | None:
    start, end = dollar.span()
    before = text[start - 1 : start]
    if (before.isascii() and before.isalnum()) or text[end : end + 1].isspace():
        return None
    match = BETWEEN_DOLLARS.match(text, end)
    if match is None or match[1][-1].isspace() or is_prose(match[1]):
        return None
    return Formula(start, text[start : match.end()], match[1], is_displayed=False)


def _formula(text: str, start: int, end: int, mark: str) -> Formula | None:
    tex, after = text[start + 2 : end], text[end + 2 : end + 3]
    if not tex.strip() or "`" in tex or is_prose(tex):
        return None
    if (mark == "$$" and after == "$") or (mark == r"\[" and after == "("):  # stars of a price, an escaped link
        return None
    return Formula(start, text[start : end + 2], tex, is_displayed=mark != r"\(")


def is_prose(tex: str) -> bool:
    bare = COMMAND.sub("{}", tex)
    if WORDS.search(bare):
        return True
    is_money = tex[0].isdigit()  # 5 to 6, 5 each
    is_bare = not any(mark in tex for mark in "\\^_=+{")
    return (is_money or is_bare) and WORD.search(bare) is not None
