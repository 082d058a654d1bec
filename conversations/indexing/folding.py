"""Text as it is searched: without case and accents, cut into words; into pairs of letters where no spaces part words.

The databases are given these words and do not cut or fold anything themselves, so both find the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from unicodedata import normalize

LONGEST_WORD = 40  # letters; of what is longer, only so many are looked at: encoded data, no word
# Accents of Latin, Greek and Cyrillic letters, vowel points of Hebrew and Arabic. Not the vowels of other scripts.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f"
    "\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
# Letters that Unicode does not take apart.
_LETTERS = str.maketrans(
    {"đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}
)
# Scripts that put no spaces between words, or (Korean) little words behind long ones: Thai, Lao, Myanmar, Khmer, kana,
# Han, Hangul.
UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u1049\u1050-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007"
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3131-\u318e\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003134f"
)
# Signs that belong to the words of other scripts though they are no letters: vowels of India and Tibet, joiners.
SIGNS = "\u0900-\u0963\u0970-\u0dff\u0f18-\u0f19\u0f35-\u0f39\u0f3e-\u0fbc\u200c\u200d"
_PLAIN_WORD = re.compile(r"[a-z0-9]+")
_WORD = re.compile(rf"(?:[^\W_{UNSPACED}]|[{SIGNS}])+")
_RUN = re.compile(f"[{UNSPACED}]+")
_WORD_OR_RUN = re.compile(f"(?:[^\\W_{UNSPACED}]|[{SIGNS}])+|[{UNSPACED}]+")


class _Folded(dict):
    """What each character becomes, found out when it first occurs."""

    def __missing__(self, code: int) -> str:
        plain = _ACCENTS.sub("", normalize("NFKD", chr(code))).casefold()
        self[code] = normalize("NFC", plain).translate(_LETTERS)
        return self[code]


_folded = _Folded()


def composed(text: str) -> str:
    """The same text with as few characters as possible: what `fold` and `places` expect and pages show."""
    return text if text.isascii() else normalize("NFC", text)


def fold(text: str) -> str:
    """A composed text without case and accents; some characters become two, and some none."""
    return text.lower() if text.isascii() else text.translate(_folded)


def places(text: str) -> list[int] | range:
    """For each index into the folded text, and its end, the index into the composed one."""
    if text.isascii():
        return range(len(text) + 1)
    lengths = [len(_folded[ord(character)]) for character in text]
    if lengths.count(1) == len(text):
        return range(len(text) + 1)
    return [at for at, length in enumerate(lengths) for _ in range(length)] + [len(text)]


def words(text: str) -> set[str]:
    """All that the index knows of a text: its words, and of each unspaced run the pairs of letters and the last one."""
    folded = fold(composed(text))
    if folded.isascii():
        return {word[:LONGEST_WORD] for word in set(_PLAIN_WORD.findall(folded))}
    found = {word[:LONGEST_WORD] for word in set(_WORD.findall(folded))}
    for run in _RUN.findall(folded):
        found.update(pairs(run), run[-1])
    return found


def pairs(run: str) -> list[str]:
    """Of 東京都: 東京, 京都."""
    return [one + other for one, other in pairwise(run)]


def pieces(folded: str) -> Iterator[tuple[str, bool]]:
    """The words of a folded text in their order, and whether each is an unspaced run."""
    for match in _WORD_OR_RUN.finditer(folded):
        yield match.group(), _RUN.match(match.group()) is not None
