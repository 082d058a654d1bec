"""Work off the event loop: two bounded pools of threads, for the database and for the store.

A job's database connections are opened by it and closed after it, so that no idle thread holds one. Only SQLite's stay
with their threads: nobody counts them, and opening one costs as much as two queries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")

DATABASE_THREADS = 4
STORE_THREADS = 8
_database = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="database")
_store = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")


async def in_database(function: Callable[..., T], *args) -> T:
    """Run a function that uses the ORM. Raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(_database, _job, function, args)


async def in_store(function: Callable[..., T], *args) -> T:
    """Run a function that uses the conversation store (and perhaps the ORM). Raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(_store, _job, function, args)


def _job(function: Callable[..., T], args: tuple) -> T:
    try:
        return function(*args)
    finally:
        for connection in connections.all(initialized_only=True):
            if connection.vendor != "sqlite":
                connection.close()
