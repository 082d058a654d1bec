"""The rows of the sidebar. There are many on each page, and a template takes 100 µs for one.

So each kind of row is rendered once for each language, with marks in the place of what differs between chats; then only
those are replaced. What a row looks like stands in its template.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from conversations import services
from conversations.models import Conversation, Folder

register = template.Library()
NO_ID = UUID(int=0)
NO_FOLDER = 987654321987654321
NO_NAME = "\ue000"  # of a private plane, in which no text has a meaning
ROW, FOLDER_ROW = "conversations/_sidebar_row.html", "conversations/_sidebar_folder.html"


@register.simple_tag
def rows(conversations: Iterable[Conversation], current_id: Any = None, writing: Collection[UUID] = ()) -> SafeString:
    """Chats as list items. `current_id` is the one that the page shows, `writing` those where an answer comes."""
    where = get_language(), get_script_prefix()
    return mark_safe("".join(_row(each, current_id, writing or (), where) for each in conversations))  # noqa: S308 - escaped


@register.simple_tag
def sidebar_row(conversation: Conversation) -> SafeString:
    """The row of the chat that the page shows."""
    return rows([conversation], conversation.pk)


def _row(conversation: Conversation, current_id: Any, writing: Collection[UUID], where: tuple[str, str]) -> str:
    pattern = _row_pattern(
        where,
        conversation.pk == current_id,
        conversation.is_unread,
        conversation.pk in writing,
        conversation.pinned_at is not None,
        conversation.archived_at is not None,
        conversation.folder_id is not None,
    )
    # The title last: it may be anything, also what stands for an id.
    return pattern.replace(str(NO_ID), str(conversation.pk)).replace(NO_NAME, conditional_escape(str(conversation)))


def _row_pattern(
    where: tuple[str, str], current: bool, unread: bool, writing: bool, pinned: bool, archived: bool, inside: bool
) -> str:
    known = _rendered.__wrapped__ if settings.DEBUG else _rendered  # templates are being edited there
    flags = {"current": current, "unread": unread, "writing": writing, "pinned": pinned, "archived": archived}
    return known(ROW, where, frozenset(name for name, is_so in (flags | {"inside": inside}).items() if is_so))


@register.simple_tag
def folder_row(folder: Folder, is_current: bool = False) -> SafeString:
    """A folder that is closed."""
    known = _rendered.__wrapped__ if settings.DEBUG else _rendered
    flags = {"current": is_current, "unread": folder.has_unread}
    pattern = known(
        FOLDER_ROW, (get_language(), get_script_prefix()), frozenset(name for name, is_so in flags.items() if is_so)
    )
    html = pattern.replace(str(NO_FOLDER), str(folder.pk)).replace(NO_NAME, conditional_escape(folder.name))
    return mark_safe(html)  # noqa: S308


@lru_cache(maxsize=512)
def _rendered(name: str, where: tuple[str, str], flags: frozenset[str]) -> str:
    """With NO_ID, NO_FOLDER and NO_NAME where one's own stand. `where` are the language and the site's prefix."""
    return render_to_string(name, dict.fromkeys(flags, True) | {"id": NO_ID, "name": NO_NAME, "folder_id": NO_FOLDER})


@register.filter
def days_left(conversation: Conversation) -> int:
    """Until it leaves the trash for good."""
    return services.days_left(conversation)
