"""What is looked for: a word or a pattern, in a language, and what happens where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Language(StrEnum):
    """Decides what marks mean: nothing in English, another letter or tone in Vietnamese, as written in all others."""

    ENGLISH = "en"
    VIETNAMESE = "vi"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Rule:
    """`id` is the caller's own."""

    id: int
    text: str
    language: str = Language.ENGLISH
    kind: Literal["word", "pattern"] = "word"
    action: Literal["refuse", "mask", "flag"] = "mask"
