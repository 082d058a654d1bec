"""The long form: `python -m tests.faults`, 10,000 sends over all cases, with a table at the end.

FAULTS_SENDS (in all), FAULTS_SEED, and FAULTS_CASES (words that a case's name must hold) change the run.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

import django

from tests.faults.cases import CASES, Case, is_possible, standing
from tests.faults.rig import Plan, Report, run
from tests.serving import manage, production

SENDS = int(os.environ.get("FAULTS_SENDS", "10000"))
SEED = int(os.environ.get("FAULTS_SEED") or SystemRandom().randrange(10**6))
WANTED = os.environ.get("FAULTS_CASES", "").lower().split()
PEOPLE = 64
SENDS_BETWEEN_FALLS = 90
LIMIT = 600.0  # seconds, for one case
SHOWN = 20  # violations of a case
COLUMNS = ("sends", "accepted", "falls", "cut", "lost", "doubled", "reordered", "others", "text lost", "time")


def main() -> int:
    cases = [case for case in CASES if all(word in str(case).lower() for word in WANTED)]
    possible = [case for case in cases if is_possible(case)]
    for case in cases:
        if case not in possible:
            print(f"Skipped: {case}. Install redis-server.")
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "WARNING"}
    django.setup()  # a bucket is made by the product's own client
    print(f"{SENDS} sends over {len(possible)} cases; FAULTS_SEED={SEED}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        static = _static(Path(folder))
        reports = {case: _run(case, SENDS // len(possible), Path(folder), static) for case in possible}
    print(_table(reports))
    return any(report.violations for report in reports.values())


def _static(folder: Path) -> dict[str, str]:
    manage(production(folder), "collectstatic", "--noinput", "--verbosity", "0")
    return {"STATIC_ROOT": str(folder / "static")}


def _run(case: Case, sends: int, folder: Path, static: dict[str, str]) -> Report:
    plan = Plan(sends, SEED, case.processes, PEOPLE, SENDS_BETWEEN_FALLS, "production", LIMIT)
    own = Path(tempfile.mkdtemp(dir=folder))
    with standing(case, folder / "postgres") as variables:
        report = run(plan, own, **variables, **static)
    print(f"{case}: {report}", *report.violations[:SHOWN], sep="\n  ", flush=True)
    return report


def _table(reports: dict[Case, Report]) -> str:
    width = max(len(str(case)) for case in reports)
    lines = ["", " ".join(["".ljust(width), *(f"{column:>9}" for column in COLUMNS)])]
    for case, report in reports.items():
        lines.append(" ".join([str(case).ljust(width), *(f"{value:>9}" for value in _row(report))]))
    total = sum(report.journal.count("accepted") for report in reports.values())
    broken = sum(len(report.violations) for report in reports.values())
    return "\n".join([*lines, "", f"{total} accepted messages, {broken} broken promises. FAULTS_SEED={SEED}"])


def _row(report: Report) -> list[object]:
    kinds = report.kinds
    named = [kinds["lost"] + kinds["lost from the page"], kinds["doubled"], kinds["reordered"]]
    return [
        len(report.journal.sends),
        report.journal.count("accepted"),
        len(report.journal.falls),
        report.statuses["interrupted"],
        *named,
        len(report.violations) - sum(named),
        f"{max(report.lost, default=0):.2f} s",
        f"{report.seconds:.0f} s",
    ]


if __name__ == "__main__":
    sys.exit(main())
