"""Messages as rules see them: bare words, and the language they are written in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

# Rules look at the beginning of a long message only, so that their time is bounded.
MAX_LENGTH = 2_000

# What gives a language away, in lower case. Letters that French or Portuguese have too are no sign of Vietnamese;
# some people write it without any marks.
SIGNS: Mapping[str, str] = {
    "en": r"\b(?:the|an|and|is|are|am|do|does|did|can|could|how|what|where|which|who|why|when|my|your|you|it|of|to|in"
    r"|with|this|that|there|not|have|has|want|need|please|help|hello|hi|hey|thanks|thank|about|connect|explain"
    r"|write|show|tell|change|delete|rename|from|for|me)\b",
    "vi": r"\w*[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ]\w*"
    r"|\b(?:là|và|có|xin|chào|gì|của|tôi|không|xin chao|chao ban|toi|khong|lam sao|lam the nao|la gi|ket noi|mo hinh"
    r"|huong dan|giup|tro chuyen|mat khau|o dau|bat dau|quay lai)\b",
}


def normalize(text: str) -> str:
    """Lower case, no accents, single spaces for punctuation: “Đặt lại, HF_TOKEN!” becomes “dat lai hf token”."""
    folded = unicodedata.normalize("NFKD", text[:MAX_LENGTH]).casefold().replace("đ", "d")
    return " ".join(re.findall(r"[^\W_]+", "".join(c for c in folded if not unicodedata.combining(c))))


def keyword_expression(keywords: Iterable[str]) -> re.Pattern[str] | None:
    """One expression that finds each of the keywords as whole words in normalized text; None without keywords."""
    found = {normalize(keyword) + ("*" if keyword.endswith("*") else "") for keyword in keywords}
    longest_first = sorted(found - {"", "*"}, key=lambda keyword: (-len(keyword), keyword))
    if not longest_first:
        return None
    parts = "|".join(re.escape(keyword.removesuffix("*")) + r"\w*" * keyword.endswith("*") for keyword in longest_first)
    return re.compile(rf"\b(?:{parts})\b")


def language_of(text: str, signs: Mapping[str, re.Pattern[str]]) -> str | None:
    """The language with the most signs in the text; None when nothing, or nothing clearly, gives it away."""
    composed = unicodedata.normalize("NFC", text[:MAX_LENGTH]).casefold()
    counts = sorted(((len(sign.findall(composed)), language) for language, sign in signs.items()), reverse=True)
    if not counts or not counts[0][0] or (len(counts) > 1 and counts[0][0] == counts[1][0]):
        return None
    return counts[0][1]
