"""Text as itself: cleaned, escaped, and the plain prose that needs no Markdown at all."""

from __future__ import annotations

import re
from html import escape

# Controls (Python-Markdown marks places with two of them) and lone surrogates, which no page can carry.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # the carriage return among them

# Whatever could mean something to Markdown, at the cost of taking the slow path for nothing now and then.
INLINE_MARKUP = re.compile(rf"[\\`*_~\[\]<>&@|]|{UNPRINTABLE.pattern}")
LINKS = ("://", "www.")
HARD_BREAKS = (" \n", "\t\n")
BLOCK_MARKUP = re.compile(r"\n(?:[-+=#\s]|\d+[.)](?:\s|$))")  # how a line begins

LANGUAGE = re.compile(r"\{?\.?([A-Za-z0-9][A-Za-z0-9_+#.-]{0,29})")


def clean(text: str) -> str:
    """The text with line feeds only, and U+FFFD for what cannot be shown."""
    return UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", " "))


def escaped(text: str) -> str:
    return escape(text, quote=False)


def is_plain(text: str) -> bool:
    """Whether a block is one paragraph of plain prose, which costs next to nothing."""
    return plain_paragraph(text) is not None


def plain_paragraph(text: str) -> str | None:
    """The HTML of a block that is one paragraph of plain prose; None if it may be anything else."""
    text = text.strip("\n")
    if not text or text[-1].isspace() or INLINE_MARKUP.search(text) or BLOCK_MARKUP.search(f"\n{text}"):
        return None
    if text.count("$") > 1:  # a formula needs two; money alone stays plain
        return None
    lower = text.lower()
    return None if any(mark in lower for mark in LINKS + HARD_BREAKS) else f"<p>{escaped(text)}</p>"


def plain_block(text: str) -> str:
    """A block as it was written: what is shown of one that would take too long to format."""
    return f'<pre class="plain">{escaped(text.strip(chr(10)).rstrip())}\n</pre>'


def language_of(info: str) -> str:
    """The language that stands behind an opening fence, as it is written; empty if none does."""
    match = LANGUAGE.match(info)
    return match[1] if match else ""


def code_html(language: str, code: str) -> str:
    """A code block with a head for the language and for buttons. `code` is HTML, a line feed after each line."""
    attribute = f' class="language-{language}"' if language else ""
    head = f'<div class="code-head"><span class="code-lang">{language}</span></div>'
    return f'<div class="code">{head}<pre><code{attribute}>{code}</code></pre></div>'


def plain_code(info: str, lines: list[str]) -> str:
    """A code block without colours: escaped text, to which further lines are only appended."""
    return code_html(language_of(info), "".join(f"{escaped(line)}\n" for line in lines))
