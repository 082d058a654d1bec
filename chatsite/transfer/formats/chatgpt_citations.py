"""ChatGPT marks sources by private characters, and says elsewhere what each mark stands for. Here they become links."""

from __future__ import annotations

import re
from typing import Any

from chatsite.transfer.reading import line, mappings, text

_MARK = re.compile("\ue200[^\ue200\ue201]*\ue201")
_PRIVATE = re.compile("[\ue200-\ue20f]")
_ADDRESS = re.compile(r"https?://[^\s<>]+")
MOST = 300  # of one message


def linked(said: str, data: dict[str, Any]) -> str:
    """The text with its sources as Markdown links; marks that nothing is known of are taken out."""
    if not _PRIVATE.search(said):
        return said
    marks: dict[str, str] = {}
    for reference in list(mappings(data.get("content_references")))[:MOST]:
        if mark := text(reference.get("matched_text")):
            marks.setdefault(mark, _links(reference))
    said = _MARK.sub(lambda mark: marks.get(mark[0], ""), said)
    return _PRIVATE.sub("", said)


def _links(reference: dict[str, Any]) -> str:
    sources = [reference, *mappings(reference.get("items")), *mappings(reference.get("sources"))]
    links = {url: _link(line(one.get("title")), url) for one in sources if (url := _address(one.get("url")))}
    if links:
        return f" ({', '.join(links.values())})"
    return line(reference.get("alt")) or line(reference.get("name"))


def _link(title: str, url: str) -> str:
    title = re.sub(r"([\\\[\]])", r"\\\1", title)
    return f"[{title or url}](<{url}>)"


def _address(value: Any) -> str:
    found = _ADDRESS.fullmatch(text(value))
    return found[0] if found else ""
