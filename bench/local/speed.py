"""Tokens per second: one person and eight, through the site's backend and by transformers alone, in turns."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import time
from contextlib import aclosing
from pathlib import Path

from bench.local.model import PEOPLE, SAMPLING, THREADS, TOKENS, prompts
from conversations.backends.local import LocalBackend
from conversations.types import ChatRequest, Message
from tests.serving import PYTHON, ROOT

ROUNDS = 4


def measure(folder: Path) -> dict[str, float]:
    rounds = asyncio.run(_rounds(folder / "model"))
    # Ratios within a round: what else the machine does changes from round to round.
    one, many, alone, batch = (statistics.median(values) for values in zip(*rounds, strict=True))
    ratios = [(eight / single, eight / own, single / plain) for single, eight, plain, own in rounds]
    against_one, against_batch, against_plain = (statistics.median(values) for values in zip(*ratios, strict=True))
    return {
        "one person, tokens/s": one,
        "eight people at once, tokens/s": many,
        "transformers' own generate, one person, tokens/s": alone,
        "transformers' own batch of eight, tokens/s": batch,
        "eight people at once ÷ one at a time, tokens/s": against_one,
        "eight people at once ÷ transformers' own batch": against_batch,
        "one person ÷ transformers' own generate": against_plain,
    }


async def _rounds(model: Path) -> list[tuple[float, ...]]:
    backend = LocalBackend("local", model=str(model), threads=THREADS, batch=PEOPLE)
    alone, rounds = _alone(model), []
    try:
        for number in range(ROUNDS + 1):
            found = (
                await _ours(backend, 1),
                await _ours(backend, PEOPLE),
                await asyncio.to_thread(_theirs, alone, 1),
                await asyncio.to_thread(_theirs, alone, PEOPLE),
            )
            if number:  # the first warms up
                rounds.append(found)
    finally:
        alone.kill()
        alone.wait()
        await backend.aclose()
    return rounds


def _alone(model: Path) -> subprocess.Popen:
    command = [PYTHON, "-m", "bench.local.model", str(model)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def _ours(backend: LocalBackend, people: int) -> float:
    began = time.perf_counter()
    counts = await asyncio.gather(*(_written(backend, prompt) for prompt in prompts()[:people]))
    return sum(counts) / (time.perf_counter() - began)


async def _written(backend: LocalBackend, prompt: str) -> int:
    request = ChatRequest((Message("user", prompt),), options=SAMPLING | {"max_tokens": TOKENS})
    async with aclosing(backend.stream(request)) as stream:
        async for delta in stream:
            usage = delta.usage
    return usage.completion_tokens


def _theirs(process: subprocess.Popen, people: int) -> float:
    process.stdin.write(f"{people}\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())
