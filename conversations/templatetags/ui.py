"""What the templates draw with: icons, and the notices that wait for the next page."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from threading import Lock
from urllib.parse import parse_qsl
from uuid import UUID
from zipfile import ZipFile

from django import template
from django.contrib.messages import get_messages
from django.urls import get_script_prefix, reverse
from django.utils import formats
from django.utils.safestring import SafeString, mark_safe
from lucide import IconDoesNotExist

register = template.Library()
_opening = Lock()


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: int = 18) -> SafeString:
    """A lucide icon as inline SVG, hidden from screen readers: the control around it carries the words.

    Cached, because a page shows the same few icons once per message. Raises lucide.IconDoesNotExist.
    """
    shape = re.sub(r"\s+", " ", _drawing(name)).replace("> <", "><").strip()
    return mark_safe(  # noqa: S308 - from the wheel, no input in it
        f'<svg width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"'
        f' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">{shape}</svg>'
    )


def _drawing(name: str) -> str:
    """What stands within the icon's <svg>.

    lucide's own function reads the list of all 1,745 drawings for each of them, in as many threads as ask: the first
    pages of a busy server took half a second and 13 MB for that.
    """
    with _opening:
        archive = _archive()
    try:
        svg = archive.read(f"{name}.svg").decode()
    except KeyError:
        raise IconDoesNotExist(f"The icon {name!r} does not exist.") from None
    return svg[svg.index(">") + 1 : svg.rindex("</svg>")]


@lru_cache(maxsize=1)
def _archive() -> ZipFile:
    return ZipFile(resources.files("lucide").joinpath("lucide.zip").open("rb"))


@register.simple_tag
def chat_url(name: str, conversation_id: UUID | str) -> str:
    """As Django's `url`, remembered: under each answer of a page stand seven addresses of the same chat."""
    return _chat_url(name, str(conversation_id), get_script_prefix())


@lru_cache(maxsize=1024)
def _chat_url(name: str, conversation_id: str, prefix: str) -> SafeString:
    return mark_safe(reverse(name, args=[conversation_id]))  # noqa: S308 - a path of ours around a UUID


@register.filter
def grouped(number: int | str) -> str:
    """`131,072`, as the reader's language writes it."""
    return formats.number_format(number, use_l10n=True, force_grouping=True)


@register.filter
def undo(notice) -> dict[str, str]:
    """The fields of the form that takes back what a notice tells of (views/organising.py)."""
    return dict(parse_qsl(notice.extra_tags or "", keep_blank_values=True))


@register.filter
def is_error(notice) -> bool:
    return notice.level_tag == "error"


@register.simple_tag(takes_context=True)
def notices(context) -> list:
    """Django's messages. A tag, because pages of a chat use the name `messages` for what was said."""
    request = context.get("request")
    return list(get_messages(request)) if request is not None else []
