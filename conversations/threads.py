"""Work off the event loop that needs no database: in a thread, in the language of whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from django.utils import translation

T = TypeVar("T")


async def in_thread(function: Callable[..., T], *args) -> T:
    """Run a function that would hold up the event loop. Raises what it raises."""
    return await asyncio.to_thread(speaking, translation.get_language(), function, args)


def speaking(language: str | None, function: Callable[..., T], args: tuple) -> T:
    """The function's result in this language: Django keeps it for each thread."""
    with translation.override(language):
        return function(*args)
