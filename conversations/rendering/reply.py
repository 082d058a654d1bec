"""A reply's HTML: the concatenation of its blocks, each rendered alone, however and whenever it is asked for."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from conversations.rendering.blocks import parse
from conversations.rendering.cache import RecentlyUsed
from conversations.rendering.definitions import Definitions, definitions_of, key_of
from conversations.rendering.leaves import Code
from conversations.rendering.limits import can_format, can_highlight
from conversations.rendering.plain import clean, escaped, plain_block, plain_code, plain_paragraph
from conversations.rendering.splitter import split

if TYPE_CHECKING:
    from conversations.rendering.formatter import Formatter

logger = logging.getLogger(__name__)

RENDERER_VERSION = 5  # raise it when the same text comes to look otherwise

MAY_BE_CODE = re.compile(r"\s*(?:```|~~~)|\n*(?: {4}|[ ]*\t)")

_blocks, _replies = RecentlyUsed(6_000_000), RecentlyUsed(2_000_000)  # bytes
_of_thread = threading.local()


def never() -> bool:
    return False


def render(text: str, message_id: str = "", *, is_over: Callable[[], bool] = never) -> SafeString:
    """A whole reply as HTML: its blocks one by one, or together where one defines something for another.

    `message_id` keeps the footnotes of two messages apart that say the same. `is_over` tells, before each block that is
    not known yet, whether the time for it is used up: then that block is shown as it was written.
    """
    definitions = definitions_of(text)
    if not definitions:
        return SafeString("".join(render_block(source, is_over=is_over) for source in split(text)))
    html = _replies.get(text)
    if html is None:
        parts = [
            plain_paragraph(source) or (plain_block(clean(source)) if is_over() else _format(source, definitions))
            for source in split(text)
        ]
        is_cut = is_over()
        html = "".join(parts) + _footnotes(definitions, is_plain=is_cut)
        if not is_cut:
            _replies.put(text, html)
    if definitions.footnotes:
        html = _with_words(html)
        html = html.replace(definitions.key, key_of(message_id)) if message_id else html
    return SafeString(html)


def needs_whole(text: str) -> bool:
    """Whether the reply defines links or footnotes, so that its blocks cannot be rendered alone."""
    return bool(definitions_of(text))


def render_block(source: str, *, is_over: Callable[[], bool] = never) -> SafeString:
    """One block (see `split`) as HTML: formatted, or as it was written if that would take too long. Never raises."""
    html = plain_paragraph(source)
    if html is None:
        html = _blocks.get(source)
    if html is None and is_over():
        return SafeString(plain_block(clean(source)))
    if html is None:
        html = _format(source)
        _blocks.put(source, html)
    return SafeString(html)


def render_open(source: str) -> SafeString:
    """A block that is still being written: as `render_block`, but code waits for its colours until it is closed."""
    html = plain_paragraph(source)
    return SafeString(_format(source, is_open=True) if html is None else html)


def warm_up() -> None:
    """Import what formatting needs (0.1 s), in a thread before the first reply rather than during it."""
    _formatter()


def _format(source: str, definitions: Definitions | None = None, *, is_open: bool = False) -> str:
    text = clean(source)
    if not text.strip():
        return ""
    try:
        return _try_format(text, definitions or Definitions(), is_open=is_open)
    except Exception as error:  # a text that cannot be shown could never be opened again
        # Only the kind: messages of the libraries quote what people wrote.
        logger.error("A block of %d characters could not be formatted: %s", len(text), type(error).__name__)
        return plain_block(text)


def _try_format(text: str, definitions: Definitions, *, is_open: bool) -> str:
    is_short = can_format(text)
    if not is_short and not MAY_BE_CODE.match(text):
        return plain_block(text)
    blocks = parse(text)
    if len(blocks) == 1 and isinstance(blocks[0], Code):
        return _code(blocks[0], is_open=is_open)
    html = _formatter().format(blocks, definitions, is_open=is_open) if is_short else None
    return plain_block(text) if html is None else html


def _code(block: Code, *, is_open: bool) -> str:
    """Code is never too long to be shown as code."""
    is_plain = (is_open and block.in_fence()) or not block.info or not can_highlight(block.lines)
    html = None if is_plain else _formatter().format_code(block)
    return plain_code(block.info, block.lines) if html is None else html


def _with_words(html: str) -> str:
    heading = escaped(_("Notes and sources"))
    return html.replace("<summary></summary>", f"<summary>{heading}</summary>")


def _footnotes(definitions: Definitions, *, is_plain: bool) -> str:
    if not definitions.footnotes:
        return ""
    try:
        html = None if is_plain else _formatter().format_footnotes(definitions)
    except Exception as error:
        logger.error("%d footnotes could not be formatted: %s", len(definitions.footnotes), type(error).__name__)
        html = None
    notes = (f"[^{name}]: {note.text}" for name, note in definitions.footnotes.items())
    return plain_block("\n".join(notes)) if html is None else html


def _formatter() -> Formatter:
    if not hasattr(_of_thread, "formatter"):
        # Not at the top: the libraries take 0.1 s to import, and a process answers before it needs them.
        from conversations.rendering.formatter import Formatter

        _of_thread.formatter = Formatter()
    return _of_thread.formatter
