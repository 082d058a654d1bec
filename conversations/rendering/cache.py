"""What was rendered lately, so that nothing is rendered twice."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock


class RecentlyUsed:
    """Texts and what was made of them, at most `size` characters together; the least recently used go first."""

    def __init__(self, size: int) -> None:
        self._size, self._used = size, 0
        self._entries: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def get(self, text: str) -> str | None:
        with self._lock:
            made = self._entries.get(text)
            if made is not None:
                self._entries.move_to_end(text)
            return made

    def put(self, text: str, made: str) -> None:
        with self._lock:
            old = self._entries.pop(text, None)
            self._used += len(text) + len(made) - (len(text) + len(old) if old is not None else 0)
            self._entries[text] = made
            while self._used > self._size:
                text, made = self._entries.popitem(last=False)
                self._used -= len(text) + len(made)
