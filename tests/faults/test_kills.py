"""Server processes are killed at random while people write: nothing that was accepted is lost, doubled or reordered.

The short form: about 300 sends over the three stores (FAULTS_SENDS for each, FAULTS_SEED to repeat a run).
`make faults` is the long one.
"""

from __future__ import annotations

import os
from random import SystemRandom

import pytest

from tests.faults.cases import Case, standing
from tests.faults.rig import Plan, Report, run
from tests.serving import manage, production

SENDS = int(os.environ.get("FAULTS_SENDS", "100"))
SEED = int(os.environ.get("FAULTS_SEED") or SystemRandom().randrange(10**6))
REAL_DATABASE = "Postgres" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"


@pytest.fixture(scope="module")
def static(tmp_path_factory) -> dict[str, str]:
    """The static files, collected once."""
    folder = tmp_path_factory.mktemp("static")
    manage(production(folder), "collectstatic", "--noinput", "--verbosity", "0")
    return {"STATIC_ROOT": str(folder / "static")}


def report_of(case: Case, folder, static: dict[str, str]) -> Report:
    with standing(case, folder / "postgres") as variables:
        report = run(
            Plan(SENDS, SEED, case.processes, people=16, sends_between_falls=35), folder, **variables, **static
        )
    print(f"{case}: {report}")
    return report


def is_worth_something(report: Report) -> bool:
    """Whether processes fell, replies were interrupted, and answers were lost on their way."""
    falls = len(report.journal.falls) > report.plan.processes
    return falls and any(send.lost_answers and send.outcome == "accepted" for send in report.journal.sends)


def test_the_database_keeps_all_that_was_accepted(tmp_path, static, db):
    """(`db`, so that --database-only takes it to Postgres: there with two processes and no Redis between them.)"""
    report = report_of(Case(REAL_DATABASE, processes=2 if REAL_DATABASE == "Postgres" else 1), tmp_path, static)
    assert report.violations == []
    assert is_worth_something(report)


def test_s3_gets_all_that_was_accepted(tmp_path, static):
    report = report_of(Case("SQLite", "S3"), tmp_path, static)
    assert report.violations == []
    assert is_worth_something(report)
