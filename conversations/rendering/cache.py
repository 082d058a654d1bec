"""What was rendered lately, so that nothing is rendered twice."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from threading import Lock

AROUND = 200  # bytes that an entry takes besides what was made


class RecentlyUsed:
    """What was made of texts, at most `size` bytes together; the least recently used go first.

    Kept as UTF-8 under a hash of the text: a third of the memory that strings take, most of all beyond Latin.
    A new process begins with none, so what it holds is always of its own version of the renderer.
    """

    def __init__(self, size: int) -> None:
        self._size, self._used = size, 0
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, text: str) -> str | None:
        key = _hash(text)
        with self._lock:
            made = self._entries.get(key)
            if made is None:
                return None
            self._entries.move_to_end(key)
        return made.decode("utf-8", "surrogatepass")

    def put(self, text: str, made: str) -> None:
        key, data = _hash(text), made.encode("utf-8", "surrogatepass")
        with self._lock:
            old = self._entries.pop(key, None)
            self._used += _cost(data) - (_cost(old) if old is not None else 0)
            self._entries[key] = data
            while self._used > self._size:
                self._used -= _cost(self._entries.popitem(last=False)[1])


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).digest()


def _cost(made: bytes) -> int:
    return len(made) + AROUND
