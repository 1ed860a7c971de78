"""A plugin of pytest that writes how long each test took that passed, to ``SECONDS_REPORT``."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add one part of a test."""
    _seconds[report.nodeid] += report.duration
    if not report.passed:
        _failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write the file."""
    passed = {test: round(took, 3) for test, took in _seconds.items() if test not in _failed}
    Path(os.environ["SECONDS_REPORT"]).write_text(json.dumps(passed, indent=0))
