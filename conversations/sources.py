"""What an answer rests on, where its server or its backend says so beside the text.

In the metadata of a reply: `"sources": [{"title": …, "url": …}]`, each with at least one of the two, in the order in
which the answer counts them ([1] in its text is the first).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from conversations.cleaning import clean

MOST = 50
TITLE_MAX_LENGTH = 200
URL_MAX_LENGTH = 2_000
Source = dict[str, str]
_WEB = re.compile(r"https?://[^\s/?#%]", re.IGNORECASE)
_QUOTED = str.maketrans({" ": "%20", "\\": "%5C"})  # a backslash is a slash to browsers and to nobody else
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they would turn round the host that stands behind a title


def clean_sources(given: Any) -> list[Source]:
    """What of this can be shown: `given` may be anything that a server, a backend or a document says."""
    if not isinstance(given, list | tuple):
        return []
    return [source for one in given[:MOST] if (source := _cleaned(one))]


def joined(before: Iterable[Source], after: Iterable[Source]) -> list[Source]:
    """Both, in this order, each page once."""
    found = list(before)
    known = {source["url"] for source in found if "url" in source}
    found += [source for source in after if source not in found and source.get("url") not in known]
    return found[:MOST]


def _cleaned(one: Any) -> Source | None:
    if not isinstance(one, Mapping):
        return None
    title, url = _line(one.get("title"))[:TITLE_MAX_LENGTH], _line(one.get("url")).translate(_QUOTED)
    if len(url) > URL_MAX_LENGTH or not _WEB.match(url):
        title, url = title or url[:TITLE_MAX_LENGTH], ""
    source = {"title": title, "url": url}
    return {name: text for name, text in source.items() if text} or None


def _line(text: Any) -> str:
    return " ".join(_TURNING.sub("", clean(text)).split()) if isinstance(text, str) else ""
