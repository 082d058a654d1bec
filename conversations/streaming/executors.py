"""Work off the event loop: two bounded pools of threads, for the database and for the store.

A job gives its database connections back when it ends, so that no idle thread holds one. Only SQLite's stay with their
threads: nobody counts them, and opening one costs as much as two queries.

Where a request waits for a job, the job begins before the request is given up, or never: what was refused with 503
because everything hung must not be done when it hangs no more.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import TypeVar

from asgiref.sync import SyncToAsync
from django.db import connection, connections
from django.urls import get_script_prefix, set_script_prefix
from django.utils import translation
from django.utils.translation import gettext as _

from conversations.errors import Overdue
from conversations.stores import get_store
from conversations.threads import speaking

T = TypeVar("T")

# SQLite has one writer at a time, and those who wait for it sleep for milliseconds: one thread is faster than four.
DATABASE_THREADS = 1 if connection.vendor == "sqlite" else 4
STORE_THREADS = 8
_database = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="database")
_store = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")
answer_by: ContextVar[float] = ContextVar("answer_by", default=math.inf)
"""When whoever waits for a request is told that it failed, on time.monotonic()'s clock. Tasks of no request: never."""


async def in_database(function: Callable[..., T], *args) -> T:
    """Run a function that uses the ORM. Raises what it raises, and Overdue if no thread was free in time."""
    return await _run(_database, function, args)


async def in_store(function: Callable[..., T], *args) -> T:
    """Run a function that uses the conversation store (and perhaps the ORM). Raises as in_database."""
    executor = _database if get_store().shares_database else _store
    return await _run(executor, function, args)


def _run(executor: ThreadPoolExecutor, function: Callable[..., T], args: tuple) -> asyncio.Future[T]:
    """In the context of whoever asks: its language, where the site is mounted, and the request's number for the log."""
    context, language = contextvars.copy_context(), translation.get_language()
    job = partial(_job, answer_by.get(), language, get_script_prefix(), function, args)
    return asyncio.get_running_loop().run_in_executor(executor, context.run, job)


def has_thread() -> bool:
    """Whether synchronous code of the current request has run in a thread, which may have opened connections."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    return context is None or context in SyncToAsync.context_to_thread_executor


def check_time(by: float) -> None:
    """Raises Overdue after `by`, on time.monotonic()'s clock."""
    if time.monotonic() > by:
        raise Overdue(_("The site took too long to answer, so nothing was done. Try again in a moment."))


def _job(by: float, language: str | None, prefix: str, function: Callable[..., T], args: tuple) -> T:
    check_time(by)
    if prefix != "/":
        set_script_prefix(prefix)  # Django keeps it for each thread, and this is another one
    try:
        return speaking(language, function, args)
    finally:
        for connection in connections.all(initialized_only=True):
            if connection.vendor != "sqlite":
                connection.close()
