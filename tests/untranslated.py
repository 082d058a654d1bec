"""Finds words in a template that stand outside {% translate %}, where no catalogue reaches them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

TRANSLATED = re.compile(r"{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}", re.DOTALL)
COMMENT = re.compile(r"{%\s*comment\b.*?{%\s*endcomment\s*%}|{#.*?#}", re.DOTALL)
CODE = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
WORD = re.compile(r"[^\W\d_]{2,}")
READ_OUT = {"alt", "aria-label", "aria-description", "aria-roledescription", "aria-valuetext", "label", "placeholder"}
READ_OUT |= {"title", "summary"}
NOT_WORDS = {"class", "content", "d", "media", "points", "sizes", "srcset", "viewbox", "transform", "style", "allow"}
NOT_WORDS |= {"aria-controls", "aria-describedby", "aria-labelledby", "rel", "sandbox", "autocomplete", "accept"}
SILENT = {"code", "kbd", "pre", "script", "style"}
# Called so in every language.
NAMES = re.compile(
    r"Hugging Face|Ollama|OpenAI|vLLM|Text Generation Inference|llama\.cpp|transformers serve|Django|ChatGPT|Claude"
    r"|Open WebUI|LibreChat|Markdown|JSON|HTML|English|Tiếng Việt"
)


class Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        for name, value in attrs:
            text = " ".join(WORD.findall(value or ""))
            if text and (name in READ_OUT or (" " in text and " " in value and name not in NOT_WORDS)):
                self.found.append(f"{name}={value}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent and (words := WORD.findall(NAMES.sub("", data))):
            self.found.append(" ".join(words))


def words_outside_translation(source: str) -> list[str]:
    """What a reader of another language would meet as it stands; empty for a good template."""
    parser = Words()
    parser.feed(CODE.sub("", COMMENT.sub("", TRANSLATED.sub("", source))))
    parser.close()
    return parser.found
