"""What strangers' files say, read with suspicion: any field may be missing, or of another type."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from conversations.cleaning import clean

MILLISECONDS = 10**11  # a number of seconds as large as this would be in the year 5138
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_TICKS = re.compile(r"`{3,}")


def text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Those members of a list that are objects."""
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def line(value: Any) -> str:
    return " ".join(text(value).split())


def moment(value: Any) -> datetime | None:
    """Seconds or milliseconds since 1970, or ISO 8601; None for anything else, and for what no chat can be from."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found = datetime.fromtimestamp(value / 1000 if abs(value) >= MILLISECONDS else value, UTC)
        else:
            return None
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if EARLIEST <= found <= LATEST else None


def fenced(code: str, language: str = "") -> str:
    """A block of code that its own text cannot end."""
    ticks = max((len(found) for found in _TICKS.findall(code)), default=2) + 1
    language = re.sub(r"[^\w+#.-]", "", language)[:20]
    return f"{'`' * ticks}{language}\n{code.rstrip()}\n{'`' * ticks}"


def joined(*parts: str) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())
