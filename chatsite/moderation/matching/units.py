"""What a character is to the matcher: its units. Case, width, style and a look-alike's script are gone, marks stay.

"Ａ", "𝐚" and the Cyrillic "а" are one unit, "a". "ệ" is three: "e", the dot below, the circumflex; so that composed and
decomposed text are the same. What cannot be seen has no unit at all. A character alone decides, never its neighbours:
text may come in any pieces.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# By sight, upper and lower case apart: Cyrillic В looks like B, but в like nothing Latin.
_CAPITALS = {
    "АΑ": "a", "ВΒ": "b", "СϹ": "c", "ЕΕ": "e", "Ԍ": "g", "НΗ": "h", "ІӀΙ": "i", "ЈͿ": "j", "КΚ": "k", "МΜ": "m",
    "ΝԈ": "n", "ОΟ": "o", "РΡ": "p", "Ԛ": "q", "Ѕ": "s", "ТΤ": "t", "Ѵꓦ": "v", "Ԝ": "w", "ХΧ": "x", "УҮΥ": "y",
    "Ζ": "z", "ЁЀ": "e", "ЇΪ": "i", "ÐƉ": "đ",
}  # fmt: skip
_SMALL = {
    "аαɑ": "a", "Ьь": "b", "сϲᴄ": "c", "ԁɗ": "d", "еε℮ҽєⲉ": "e", "ſ": "s", "ցɡ": "g", "һհ": "h", "іιıɩӏɪ": "i",
    "јϳȷ": "j", "кκ": "k", "ⅼ": "l", "мᴍ": "m", "пηո": "n", "оοօσ": "o", "рρ": "p", "ԛզ": "q", "гᴦ": "r", "ѕꜱ": "s",
    "тτᴛ": "t",
    "υսᴜцџ": "u", "νѵᴠ": "v", "ԝωѡᴡшщ": "w", "хχ": "x", "уүγʏ": "y", "ᴢ": "z", "ёѐ": "e", "їϊ": "i", "ðɖ": "đ",
}  # fmt: skip
LOOKALIKES = {
    character: letter for table in (_CAPITALS, _SMALL) for these, letter in table.items() for character in these
}
_SQUARED = [0x1F130, 0x1F150, 0x1F170]  # 🄰 🅐 🅰: alphabets of symbols that Unicode does not fold
_STYLED = {chr(first + place): chr(97 + place) for first in _SQUARED for place in range(26)}
# Category Cf is invisible; these are, too, though other categories hold them.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0\ufffc")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BASE_IN_NAME = re.compile(r"LATIN (?:SMALL|CAPITAL|LETTER SMALL CAPITAL) (?:LETTER )?([A-Z])(?: WITH .*)?$")

TONES = "\u0300\u0301\u0303\u0309\u0323"  # huyền, sắc, ngã, hỏi, nặng
SHAPES = "\u0302\u0306\u031b"  # â ê ô, ă, ơ ư
VIETNAMESE_MARKS = frozenset(TONES + SHAPES)


@lru_cache(maxsize=50_000)
def units_of(character: str) -> str:
    """The units of one character, as a string; empty for what nobody sees."""
    if character in _STYLED:
        return _STYLED[character]
    found = ""
    for part in unicodedata.normalize("NFKD", LOOKALIKES.get(character, character)):
        small = LOOKALIKES.get(part) or part.casefold()
        found += unicodedata.normalize("NFKD", small)
    return "".join(part for part in found if not is_invisible(part))


def is_invisible(character: str) -> bool:
    if character in _INVISIBLE or _VARIATION.match(character):
        return True
    category = unicodedata.category(character)
    return category == "Cf" or (category == "Cc" and not character.isspace())


def is_mark(unit: str) -> bool:
    return unicodedata.category(unit)[0] == "M"


def is_word(unit: str) -> bool:
    """Letters, digits and marks make words; the underscore does not, because Markdown sets words apart with it."""
    return unicodedata.category(unit)[0] in "LNM"


@lru_cache(maxsize=10_000)
def plain(unit: str) -> str:
    """The letter under bars, hooks and strokes that are no marks of their own: đ → d, ø → o."""
    if unit < "\x80":
        return unit
    named = _BASE_IN_NAME.match(unicodedata.name(unit, ""))
    return named.group(1).lower() if named else unit


def written(text: str) -> str:
    """The units of a whole text, one after the other."""
    return "".join(map(units_of, text))
