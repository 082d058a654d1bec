"""Many people at once: live replies held, starts per second, beside nginx relaying the same upstream.

    python -m bench.crowd                    all cases, about six minutes; needs Node.js 18, Linux and two idle cores
    python -m bench.crowd held starts        only these

Each person is signed in and goes the page's own path (adapter.mjs); replies are persisted. Server on core 0, stub
upstream and load generator on core 1.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from bench.measures import HERE, prepared, procfile, seconds_to_first_page
from tests.serving import PATIENCE, PYTHON, ROOT, Served, free_port, started

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
LONG, SHORT = "stub-ttft50-rate20-n300", "stub-ttft50-rate20-n100"
HELD = {"success": (100, None), "relay p95 ms": (None, 100), "first token + p95 ms": (None, 300)}
STARTED = {"success": (100, None), "first token + p95 ms": (None, 300)}


@dataclass(frozen=True)
class Case:
    """`limits`: for each figure the least and the most that it may be. `connection`: how the site is connected."""

    what: str
    people: int
    model: str = LONG
    ramp: float = 10.0
    connection: str = "server"
    titles: bool = True
    limits: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)


CASES = {
    "nginx": Case("nginx, relaying the stub: the limit", 800, connection="nginx"),
    "one": Case("one person, 30 messages", 1, "stub-ttft50-rate100-n5", limits={"first token + p50 ms": (None, 8)}),
    "plain": Case("200 replies held", 200, limits=HELD),
    "markdown": Case("… in Markdown", 200, f"{LONG}-md", limits=HELD | {"CPU against plain": (None, 2)}),
    "hub": Case(
        "… through huggingface_hub", 200, connection="hub", limits=HELD | {"CPU s / 1,000 tokens": (None, 0.2)}
    ),
    "starts": Case("100 starts per second for 2 s, without titles", 200, SHORT, 2.0, titles=False, limits=STARTED),
    "held": Case(
        "800 replies held",
        800,
        limits=HELD | {"CPU s / 1,000 tokens": (None, 0.06), "memory MB": (None, 200), "loop lag p99 ms": (None, 50)},
    ),
}


def measure(name: str, folder: Path) -> dict[str, float]:
    """The figures of one case. Raises RuntimeError if it did not run to its end."""
    case = CASES[name]
    with stub() as stub_port:
        if case.connection == "nginx":
            with relaying(folder, stub_port) as (port, pid):
                return figures(load(case, folder, port, stub_port, pid, "direct"))
        with site(case, folder, stub_port) as server:
            found = load(case, folder, server.port, stub_port, server.process.pid, str(HERE / "adapter.mjs"))
        return figures(found) | {"loop lag p99 ms": lag(folder / "lags.txt", found)}


@contextmanager
def stub() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(pinned(1, "node", str(HERE / "stub" / "stub.mjs"), str(port)), stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def site(case: Case, folder: Path, stub_port: int) -> Iterator[Served]:
    port, upstream = free_port(), f"http://127.0.0.1:{stub_port}/v1"
    env = prepared(folder) | {"PORT": str(port), "LAG_FILE": str(folder / "lags.txt"), "PYTHONPATH": str(ROOT)}
    env |= {"CHAT_TITLES": str(int(case.titles))}
    if case.connection == "hub":
        env |= {"HF_TOKEN": "hf_bench", "HF_BASE_URL": upstream, "HF_MODELS": case.model}
    else:
        env |= {"OPENAI_BASE_URL": upstream, "OPENAI_MODELS": case.model}
    forget_models(env)
    command = procfile("web").replace("chatsite.asgi:application", "bench.watched:application")
    with started(f"taskset -c 0 {command}", env, folder, port) as server:
        seconds_to_first_page(server, time.monotonic())
        time.sleep(2)
        yield server


def forget_models(env: dict[str, str]) -> None:
    """The catalogue keeps what it once got; each case brings a model of its own."""
    code = "from conversations.models import ChatModel; ChatModel.objects.all().delete()"
    subprocess.run([PYTHON, "manage.py", "shell", "-v", "0", "-c", code], cwd=ROOT, env=env, check=True)


@contextmanager
def relaying(folder: Path, stub_port: int) -> Iterator[tuple[int, int]]:
    port, work = free_port(), folder / "nginx"
    work.mkdir(exist_ok=True)
    text = Template((HERE / "nginx.conf").read_text()).substitute(WORK=work, PORT=port, STUB=stub_port)
    (work / "nginx.conf").write_text(text)
    command = pinned(0, NGINX, "-e", str(work / "error.log"), "-c", str(work / "nginx.conf"))
    process = subprocess.Popen(command)
    try:
        time.sleep(1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def pinned(core: int, *command: str) -> list[str]:
    return ["taskset", "-c", str(core), *command]


def load(case: Case, folder: Path, port: int, stub_port: int, pid: int, adapter: str) -> dict:
    out = folder / "crowd.jsonl"
    out.unlink(missing_ok=True)
    turns = 30 if case.people == 1 else 1
    command = ["node", HERE / "load" / "load.mjs", "--target", "site", "--adapter", adapter, "--out", out]
    command += ["--base", f"http://127.0.0.1:{port}", "--stub", f"http://127.0.0.1:{stub_port}", "--pid", str(pid)]
    command += ["--n", str(case.people), "--model", case.model, "--ramp", str(1000 * case.ramp), "--turns", str(turns)]
    env = prepared(folder) | {"BENCH_PYTHON": str(PYTHON)}
    subprocess.run(pinned(1, *map(str, command)), cwd=ROOT, env=env, check=True, timeout=5 * PATIENCE)
    return json.loads(out.read_text().splitlines()[-1])


def figures(found: dict) -> dict[str, float]:
    harness = found["harness"]
    return {
        "success": found["success"],
        "first token + p50 ms": found["ttft_over_ms"]["p50"],
        "first token + p95 ms": found["ttft_over_ms"]["p95"],
        "relay p50 ms": found["relay_ms"]["p50"],
        "relay p95 ms": found["relay_ms"]["p95"],
        "CPU s / 1,000 tokens": found["cpu_s_per_1000tok"],
        "memory MB": found["peak_rss_mb"],
        "harness %": harness["stub_cpu_pct"] + harness["gen_cpu_pct"],
    }


def lag(path: Path, found: dict) -> float:
    """The 99th percentile of the loop's lag in the timed part."""
    end = datetime.fromisoformat(found["at"]).timestamp()
    rows = (line.split() for line in path.read_text().splitlines())
    lags = [float(ms) for at, ms in rows if end - found["wall_s"] - 1 <= float(at) <= end]
    return statistics.quantiles(lags, n=100)[98]


COLUMNS = [
    "success",
    "first token + p50 ms",
    "first token + p95 ms",
    "relay p50 ms",
    "relay p95 ms",
    "CPU s / 1,000 tokens",
    "memory MB",
    "loop lag p99 ms",
    "harness %",
]


def row(name: str, found: dict[str, float]) -> str:
    cells = [number(found.get(column)) for column in COLUMNS]
    return f"| {CASES[name].what} | {' | '.join(cells)} | {verdict(CASES[name], found)} |"


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def verdict(case: Case, found: dict[str, float]) -> str:
    """Each limit with the figure that broke it; "kept" if none did."""
    broken = [
        f"**{name} {number(found[name])}** ({'≥' if least is not None else '≤'} {least if least is not None else most})"
        for name, (least, most) in case.limits.items()
        if not (least or 0) <= found[name] <= (most if most is not None else found[name])
    ]
    kept = ", ".join(f"{name} ≤ {most:g}" for name, (_, most) in case.limits.items() if most is not None)
    return "; ".join(broken) or (f"kept ({kept})" if kept else "for comparison")


def run(folder: Path, names: list[str]) -> tuple[list[str], bool]:
    """The table's rows, and whether all limits were kept. Prints each row when it is known."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two connections and more for each reply
    print("\n".join(table([])))
    rows, all_kept, known = [], True, {}
    for name in names:
        if name == "nginx" and not NGINX:
            continue
        found = known[name] = measure(name, folder)
        if name == "markdown":
            found["CPU against plain"] = found["CPU s / 1,000 tokens"] / known["plain"]["CPU s / 1,000 tokens"]
        rows.append(row(name, found))
        all_kept = all_kept and "**" not in rows[-1]
        print(rows[-1], flush=True)
    return rows, all_kept


def table(rows: list[str]) -> list[str]:
    head = "| | " + " | ".join(COLUMNS) + " | limits |"
    return [head, "|---|" + "---:|" * len(COLUMNS) + "---|", *rows]


def lacking() -> str:
    """What this machine lacks to measure crowds; empty if nothing."""
    is_enough = os.cpu_count() >= 2 and shutil.which("node") and shutil.which("taskset")
    return "" if is_enough else "two cores, Node.js 18 and taskset"


def main() -> int:
    from bench.run import work_folder

    wanted = set(sys.argv[1:]) or set(CASES)
    if unknown := wanted - CASES.keys():
        print(f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(CASES)}.")
        return 2
    if what := lacking():
        print(f"This needs {what}.")
        return 2
    names = [name for name in CASES if name in wanted or (name == "plain" and "markdown" in wanted)]
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M}, load {os.getloadavg()[0]:.1f}")
    with work_folder() as folder:
        return int(not run(folder, names)[1])


if __name__ == "__main__":
    sys.exit(main())
