"""The process that runs tests on mutants, as ``make mutants`` starts it."""

import json
import subprocess
import sys

from stack.supervision.process import ROOT

QUEUES = "notifier/domain/queues.py"
NAMES = "tests/unit/domain/test_names.py"


def test_tests_run_on_each_mutant_and_the_file_stays(tmp_path):
    source = (ROOT / QUEUES).read_text()
    expected = [
        ("{prefix}.{name}", "{prefix}.{name}", "passed"),
        ("{prefix}.{name}", "{name}.{prefix}", "failed"),
        ("{prefix}.{name}", "{nothing}", "failed"),
        ('RECEIPTS = "receipts"', 'RECEIPTS = "bills"', "failed"),  # executed at import
        (source, "while True: pass", "too slow"),
    ]
    jobs = [
        {
            "path": QUEUES,
            "source": source.replace(before, after),
            "tests": [NAMES],
            "limit": 1 if answer == "too slow" else 300,
            "output": str(tmp_path / f"output-{number}"),
        }
        for number, (before, after, answer) in enumerate(expected)
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mutants.worker", NAMES],
        cwd=ROOT,
        input="".join(f"{json.dumps(job)}\n" for job in jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:-1] == [answer for _, _, answer in expected]
    assert (ROOT / QUEUES).read_text() == source
