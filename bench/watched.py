"""The site with a watch on its event loop, for crowd.py: writes each nap's lag to the file that LAG_FILE names.

A line per nap of 10 ms: seconds since the epoch, and the milliseconds by which the nap lasted too long.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TextIO

from chatsite.asgi import application as site

NAP = 0.01  # seconds
_watching: set[asyncio.Task] = set()


async def application(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        lags = open(os.environ["LAG_FILE"], "w", encoding="ascii")  # noqa: ASYNC230, SIM115  it stays open to the end
        _watching.add(asyncio.create_task(_watch(lags)))
    await site(scope, receive, send)


async def _watch(lags: TextIO) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(NAP)
        lags.write(f"{time.time():.3f} {1000 * (time.perf_counter() - began - NAP):.2f}\n")
