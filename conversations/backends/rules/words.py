"""Messages as rules see them: bare words, and the language they are written in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

# Rules look at the beginning of a long message only, so that their time is bounded.
MAX_LENGTH = 2_000

# What gives a language away, in lower case. Letters that French or Portuguese have too are no sign of Vietnamese;
# some people write it without any marks. English words that are Vietnamese ones too (in, to, an, me, can) are no sign.
SIGNS: Mapping[str, str] = {
    "en": r"\b(?:the|and|is|are|am|do|does|did|could|how|what|where|which|who|why|when|my|your|you|it|of|with|this"
    r"|that|there|not|have|has|want|need|please|help|hello|hi|hey|thanks|thank|about|connect|explain|write|show|tell"
    r"|change|delete|rename|from|for)\b",
    "vi": r"\w*[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ]\w*"
    r"|\b(?:là|và|có|xin|chào|gì|của|tôi|không|xin chao|chao ban|toi|khong|lam sao|lam the nao|la gi|ket noi|mo hinh"
    r"|huong dan|giup|tro chuyen|mat khau|o dau|bat dau|quay lai|trang nay|duoc)\b",
}


def normalize(text: str) -> str:
    """Lower case, no accents, single spaces for punctuation: “Đặt lại, HF_TOKEN!” becomes “dat lai hf token”."""
    folded = unicodedata.normalize("NFKD", text[:MAX_LENGTH]).casefold().replace("đ", "d")
    return " ".join(re.findall(r"[^\W_]+", "".join(c for c in folded if not unicodedata.combining(c))))


def keyword_expression(keywords: Iterable[str]) -> re.Pattern[str] | None:
    """One expression that finds each of the keywords in normalized text; None without keywords.

    Whole words are found, and after a * any ending: “save* chat*” finds “saved chats”.
    """
    longest_first = sorted(set(keywords), key=lambda keyword: (-len(keyword), keyword))
    parts = [part for part in map(_keyword, longest_first) if part]
    return re.compile(rf"\b(?:{'|'.join(parts)})\b") if parts else None


def _keyword(keyword: str) -> str:
    words = ((normalize(word), word.endswith("*")) for word in keyword.split())
    return " ".join(re.escape(word) + r"\w*" * open_ended for word, open_ended in words if word)


def language_of(text: str, signs: Mapping[str, re.Pattern[str]]) -> str | None:
    """The language with the most signs in the text; None when nothing, or nothing clearly, gives it away."""
    composed = unicodedata.normalize("NFC", text[:MAX_LENGTH]).casefold()
    counts = sorted(((len(sign.findall(composed)), language) for language, sign in signs.items()), reverse=True)
    if not counts or not counts[0][0] or (len(counts) > 1 and counts[0][0] == counts[1][0]):
        return None
    return counts[0][1]
