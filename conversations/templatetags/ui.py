"""What the templates draw with: icons, and the notices that wait for the next page."""

from __future__ import annotations

import re
from functools import lru_cache

from django import template
from django.contrib.messages import get_messages
from django.utils import formats
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

register = template.Library()


@register.simple_tag
@lru_cache(maxsize=128)
def icon(name: str, size: int = 18) -> SafeString:
    """A lucide icon as inline SVG, hidden from screen readers: the control around it carries the words.

    Cached, because a page shows the same few icons once per message. Raises lucide.IconDoesNotExist.
    """
    svg = lucide(name, size=size, stroke_width="1.75", aria_hidden="true", focusable="false")
    return mark_safe(re.sub(r">\s+<", "><", re.sub(r"\s+", " ", svg)))  # noqa: S308 - from the wheel, no input in it


@register.filter
def grouped(number: int) -> str:
    """`131,072`, as the reader's language writes it."""
    return formats.number_format(number, use_l10n=True, force_grouping=True)


@register.simple_tag(takes_context=True)
def notices(context) -> list:
    """Django's messages. A tag, because pages of a chat use the name `messages` for what was said."""
    request = context.get("request")
    return list(get_messages(request)) if request is not None else []
