"""What other sites export, and this one. Each module reads one chat of one format into a `Found`.

Looked up in the importers of LibreChat and Open WebUI and in real exports, November 2026.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from chatsite.transfer.formats import chatgpt, claude, librechat, openwebui, own
from chatsite.transfer.formats.found import Found
from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.reading import line

FORMATS = (own, chatgpt, claude, librechat, openwebui)


def source_of(data: Any) -> str:
    """Where a decoded chat comes from; empty if it is no chat that is known here."""
    return next((one.SOURCE for one in FORMATS if isinstance(data, dict) and one.recognizes(data)), "")


def read(data: Any, user_id: int) -> Found:
    """Raises ChatRefused, in a sentence."""
    for one in FORMATS:
        if isinstance(data, dict) and one.recognizes(data):
            try:
                return one.read(data, user_id)
            except RecursionError:
                raise ChatRefused(_("It is nested too deeply.")) from None
    raise ChatRefused(_("It is no chat of a site whose exports are known here."))


def title_of(data: Any) -> str:
    """What a chat that cannot be read is called, as far as one can tell."""
    if not isinstance(data, dict):
        return ""
    inner = data.get("chat")
    for place in (data, inner if isinstance(inner, dict) else {}):
        for name in ("title", "name"):
            if isinstance(place.get(name), str):
                return line(place[name])
    return ""
