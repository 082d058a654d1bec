"""A chat for reading elsewhere: Markdown, and HTML in one file. Both show the branch that the page shows."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from conversations.models import Conversation
from conversations.presenting import SourceView, message_views, source_views
from conversations.remarks import thinking_time
from conversations.types import Message, Transcript

SAFE = "!#$%&'()*+,/:;=?@[]~"  # what an address may hold besides letters and figures
_MARKS = re.compile(r"[\\`*_{}\[\]<>#|~$!&]")
_LEADING = re.compile(r"^(\d*)([-+.)])")  # what would begin a list within the list
STYLES = ("css/tokens.css", "css/messages.css", "css/document.css")


def markdown(conversation: Conversation, transcript: Transcript) -> str:
    said = [message for message in transcript.branch() if message.role in ("user", "assistant")]
    parts = [f"# {_line(str(conversation))}", f"*{origin(conversation)}*", *map(_markdown_of, said)]
    return "\n\n".join(parts) + "\n"


def _markdown_of(message: Message) -> str:
    if message.role == "user":
        heading = _("You")
        return f"## {heading}\n\n{message.content.strip()}"
    data = message.metadata
    label = _line(data.get("label", "")) or _("Answer")
    parts = [f"## {label}"]
    if thoughts := data.get("reasoning", "").strip():
        heading = thinking_time(data.get("reasoning_ms") or 0)
        parts.append("\n".join(f"> {line}".rstrip() for line in [f"**{heading}**", "", *thoughts.splitlines()]))
    if text := message.content.strip():
        parts.append(text)
    if sources := source_views(data.get("sources")):
        parts.append(_list_of(sources))
    if error := data.get("error", ""):
        parts.append(f"*{_line(error)}*")
    return "\n\n".join(parts)


def _list_of(sources: Sequence[SourceView]) -> str:
    """Titles are anybody's: nothing in them is markup."""
    heading = _("Sources")
    lines = [f"{number}. {_plain(source.title)}{_address(source)}" for number, source in enumerate(sources, 1)]
    return "\n".join([f"**{heading}**", "", *lines])


def _plain(title: str) -> str:
    return _LEADING.sub(r"\g<1>\\\g<2>", _MARKS.sub(r"\\\g<0>", title))


def _address(source: SourceView) -> str:
    return f" <{quote(source.url, safe=SAFE)}>" if source.url else ""


def _line(text: str) -> str:
    """On one line, as headings are."""
    return " ".join(text.split())


def origin(conversation: Conversation) -> str:
    """Where it comes from and of which day it is."""
    day = formats.date_format(timezone.localtime(conversation.updated_at), "DATE_FORMAT")
    return _("From {site}, {day}").format(site=settings.SITE_NAME, day=day)


def context(conversation: Conversation, transcript: Transcript) -> dict[str, Any]:
    """What the templates of a whole chat show."""
    return {
        "conversation": conversation,
        "origin": origin(conversation),
        "messages": message_views(transcript, str(conversation.pk)),
    }


def html(conversation: Conversation, transcript: Transcript) -> str:
    """One file that loads nothing and runs nothing: its own policy lets in its own style, and no more."""
    style = _style()
    element = mark_safe(f"<style>{style}</style>")  # noqa: S308 - our own sheets
    shown = context(conversation, transcript) | {"style": element, "style_hash": _hash(style)}
    return render_to_string("transfer/document.html", shown)


def _hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@lru_cache(maxsize=1)
def _style() -> str:
    """The site's own sheets, from its sources: the collected ones have other names."""
    found = [finders.find(name) for name in STYLES]
    return "\n".join(Path(path).read_text(encoding="utf-8") for path in found if path)
