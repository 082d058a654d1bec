"""A pytest plugin for CI (`-p tests.no_skips`): a leg that did not run must not look like one that passed."""

from __future__ import annotations

import pytest

HINT = "Skipped, and CI=true allows no skips. What is missing:"


def _as_failure(report) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{HINT} {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    _as_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """A whole module may skip itself, by importorskip."""
    report = yield
    _as_failure(report)
    return report
