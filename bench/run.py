"""`make bench`: what the site costs, beside the limits it must keep. Prints a table and writes bench/RESULTS.md.

    python -m bench.run                  everything: about eight minutes, on a machine that does nothing else
    python -m bench.run start first      only these; `python -m bench.crowd` measures many people at once alone

Needs Linux (/proc) for the memory and Node.js 18 for the first token. Nothing outside this machine is contacted,
except by `clone`, whose pip may fill its cache: the second run is the one that counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import crowd, measures
from bench.results import sections_but

HEADING_CROWDS, HEADING_HOW = "## Many people at once", "## How each is measured"
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Figure:
    """One measured number, in `unit`, and the most that it may be."""

    what: str
    how: str
    limit: float
    unit: str
    measure: Callable[[Path], float | None]


def first_token(folder: Path) -> float | None:
    if lacking := crowd.lacking():
        print(f"Skipped: the first token. It needs {lacking}.")
        return None
    return crowd.measure("one", folder)["first token + p50 ms"]


FIGURES = {
    "start": Figure(
        "process start to first 200",
        "the Procfile's web line on an SQLite file with production settings; from starting the process until the "
        "log-in page answers 200, asked every 10 ms; median of 5",
        1.5,
        "s",
        measures.start,
    ),
    "memory": Figure(
        "idle memory",
        "resident memory of all processes of that server, a second after its first page",
        120,
        "MB",
        measures.memory,
    ),
    "page": Figure(
        "first page: weight",
        "the new-chat page of somebody who is logged in, with every style sheet, script and picture it names, as "
        "transferred (compressed), from an empty cache",
        100,
        "kB",
        measures.page_weight,
    ),
    "requests": Figure("first page: requests", "counted likewise", 15, "", measures.page_requests),
    "first": Figure(
        "first token later than upstream's own",
        "one reader, 30 messages one after the other over the page's own path (adapter.mjs): from posting the message "
        "until the first token is read, less the 50 ms that the stub upstream waits; median; server on core 0, the "
        "others on core 1",
        8,
        "ms",
        first_token,
    ),
    "clone": Figure(
        "fresh clone to first page",
        "git clone, `make run` with a warm package cache, until the log-in page answers 200",
        60,
        "s",
        measures.fresh_clone,
    ),
    "again": Figure(
        "second `make run`", "the same folder once more, until the log-in page answers 200", 2, "s", measures.again
    ),
}


@contextmanager
def work_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def line(figure: Figure, value: float | None) -> str:
    unit = f" {figure.unit}" if figure.unit else ""
    if value is None:
        return f"| {figure.what} | not measured | ≤ {figure.limit:g}{unit} | |"
    verdict = "kept" if value <= figure.limit else "**broken**"
    digits = 2 if figure.unit == "s" else 0 if figure.unit != "ms" else 1
    return f"| {figure.what} | {value:.{digits}f}{unit} | ≤ {figure.limit:g}{unit} | {verdict} |"


def report(rows: list[str], crowds: list[str]) -> str:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    head = ["| | measured | limit | |", "|---|---:|---:|---|"]
    how = [f"- **{figure.what}**: {figure.how}." for figure in FIGURES.values()]
    intro = f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {machine}. Only figures of one sitting compare."
    return "\n".join(
        [
            "# What the site costs",
            "",
            intro,
            "",
            *head,
            *rows,
            "",
            *many(crowds),
            HEADING_HOW,
            "",
            *how,
            "",
        ]
    )


def many(crowds: list[str]) -> list[str]:
    """The second table: many people at once."""
    intro = (
        "`python -m bench.crowd`: server on core 0, stub upstream and load generator on core 1; everybody is signed in "
        "and goes the page's own path, replies are persisted, titles asked for except where noted. Held replies have "
        "300 tokens at 20 per second and start over 10 s. First token: later than the upstream's own; relay: from the "
        "moment a token is sent to the moment it is read; memory: the most that the server's processes had; harness: "
        "the share of core 1 that stub and generator used (distrust a row above 80 %)."
    )
    return [HEADING_CROWDS, "", intro, "", *crowd.table(crowds), ""]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which to measure: {', '.join(FIGURES)}; by default all"
    )
    names = parser.parse_args().names or list(FIGURES)
    if unknown := set(names) - set(FIGURES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    rows, broken = [], False
    with work_folder() as folder:
        for name in names:
            figure = FIGURES[name]
            value = figure.measure(folder)
            broken = broken or (value is not None and value > figure.limit)
            rows.append(line(figure, value))
            print(rows[-1], flush=True)
    if set(names) == set(FIGURES):
        with work_folder() as folder:
            crowds, all_kept = crowd.run(folder, list(crowd.CASES))
        broken = broken or not all_kept
        path = HERE / "RESULTS.md"
        others = sections_but(path.read_text(), [HEADING_CROWDS, HEADING_HOW])
        path.write_text(report(rows, crowds) + "\n" + others, encoding="utf-8")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
