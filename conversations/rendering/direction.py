"""On which side a list, a table or a quotation begins.

Lines find their direction by themselves (unicode-bidi in messages.css); the bullets, columns and bars around them do
not.
"""

from __future__ import annotations

import re
from unicodedata import bidirectional
from xml.etree.ElementTree import Element

LETTER = re.compile(r"[^\W\d_]")
PLACEHOLDER = re.compile("\x02[^\x03]*\x03")  # Python-Markdown's, for what is put in later
FROM_THE_RIGHT = {"R", "AL"}


def set_direction(element: Element) -> None:
    """Mark what is read from the right: its first letter decides. What is not marked begins on the left."""
    for text in element.itertext():
        if letter := LETTER.search(PLACEHOLDER.sub("", text)):
            if bidirectional(letter[0]) in FROM_THE_RIGHT:
                element.set("dir", "rtl")
            return
