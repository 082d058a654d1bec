"""How many tokens a text has, as far as its characters tell: for models whose tokenizer is not at hand.

Fitted to prose in 27 languages (Django's own translations, and a few stories), Markdown, code, tables and numbers, as
the tokenizers of GPT-4 (cl100k), GPT-4o (o200k), Llama 2 and 3, Mistral 7B and Mistral Nemo (tekken) count them: for
each text about the fourth of the six. For European languages and code what they count is 0.75 to 1.45 times the
estimate, for Vietnamese, Chinese, Japanese and Korean 0.55 to 1.65 times, for Thai, Hindi and Arabic 0.4 to 1.4 times.
What a model's server says it counted corrects this (learned.py). docs/models.md has the table.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from functools import lru_cache
from string import digits, punctuation

LETTER, DIGIT, MARK = 0.235, 1.0, 0.4  # ASCII: letters and spaces, digits, all the rest
_DIGITS = digits.encode()
_MARKS = (punctuation + "\n\r\t").encode()
_BLOCKS = (  # the first code point of each range, and the tokens of one of its characters
    (0x80, 1.4),  # accented Latin
    (0x300, 2.0),  # combining marks
    (0x370, 0.95),  # Greek
    (0x400, 0.43),  # Cyrillic
    (0x530, 1.4),  # Armenian
    (0x590, 0.9),  # Hebrew, Arabic, Devanagari
    (0x980, 1.4),  # Bengali and the scripts of southern India
    (0xE00, 0.95),  # Thai, Lao
    (0xF00, 1.4),  # Tibetan, Burmese, Georgian, Ethiopic, Khmer …
    (0x1E00, 1.3),  # Vietnamese
    (0x1F00, 1.0),  # punctuation, arrows, signs
    (0x3000, 1.15),  # Chinese, Japanese
    (0xAC00, 1.25),  # Korean
    (0x10000, 3.0),  # emoji, rare scripts
)
_OTHERS = re.compile(r"[^\x00-\x7f]")
_STARTS = [start for start, _tokens in _BLOCKS]


def estimate(text: str) -> float:
    """Tokens of a text, unrounded."""
    data = text.encode("ascii", "ignore")  # counting bytes is many times as fast as looking at each character
    without_digits = data.translate(None, _DIGITS)
    letters = len(without_digits.translate(None, _MARKS))
    tokens = letters * LETTER + (len(data) - len(without_digits)) * DIGIT + (len(without_digits) - letters) * MARK
    if len(data) == len(text):
        return tokens
    return tokens + sum(_of_character(one) * count for one, count in Counter(_OTHERS.findall(text)).items())


@lru_cache(maxsize=4096)
def _of_character(character: str) -> float:
    return _BLOCKS[bisect_right(_STARTS, ord(character)) - 1][1]
