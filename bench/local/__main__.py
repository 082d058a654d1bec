"""`python -m bench.local`: many people at once against one at a time and against transformers alone; pages meanwhile.

    python -m bench.local                    everything: some five minutes on idle cores
    python -m bench.local speed pages        only these

Needs requirements-local.txt (for example `.venv-local/bin/python -m bench.local` after `make test-local
VENV=.venv-local`). Writes its section of bench/RESULTS.md if everything was measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.local import model, pages, speed
from bench.results import HEADING_LOCAL, replace_section
from bench.run import work_folder

PARTS = {"speed": speed.measure, "pages": pages.measure}
# For each figure the least and the most that it may be.
LIMITS: dict[str, tuple[float | None, float | None]] = {
    "eight people at once ÷ one at a time, tokens/s": (3.0, None),
    "eight people at once ÷ transformers' own batch": (0.8, None),
    "one person ÷ transformers' own generate": (0.9, None),
    "slowest page while the model loads, ms": (None, 100),
    "slowest page while eight are answered, ms": (None, 100),
}
INTRO = (
    "`python -m bench.local`: a Llama of {size:.0f} million random parameters (float32) on the processor, "
    "{threads} thread(s) for it. Speeds are medians of rounds in which all four ways take turns; each reply has "
    "{tokens} tokens, sampled with temperature 0.7, top k 50, top p 0.9. Pages: the new-chat page of somebody who is "
    "logged in, asked for again and again from the server of the Procfile. Written on {day}: {cores} cores, Python "
    "{python}, load {load:.1f} before it began."
)


def row(name: str, value: float) -> str:
    least, most = LIMITS.get(name, (None, None))
    if least is None and most is None:
        return f"| {name} | {value:.1f} | | for comparison |"
    limit = f"≥ {least:g}" if most is None else f"≤ {most:g}"
    kept = (least or 0) <= value <= (most if most is not None else value)
    return f"| {name} | {value:.2f} | {limit} | {'kept' if kept else '**broken**'} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which to measure; by default both")
    parts = parser.parse_args().parts or list(PARTS)
    load, rows = os.getloadavg()[0], []
    with work_folder() as folder:
        size = model.make(folder / "model")
        for part in parts:
            found = [row(name, value) for name, value in PARTS[part](folder).items()]
            print("\n".join(found), flush=True)
            rows += found
    intro = INTRO.format(
        size=size,
        threads=model.THREADS,
        tokens=model.TOKENS,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        cores=os.cpu_count(),
        python=platform.python_version(),
        load=load,
    )
    if set(parts) == set(PARTS):
        table = ["| | measured | limit | |", "|---|---:|---:|---|", *rows]
        path = Path(__file__).resolve().parent.parent / "RESULTS.md"
        path.write_text(replace_section(path.read_text(), HEADING_LOCAL, ["", intro, "", *table, ""]))
    return int(any("**" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
