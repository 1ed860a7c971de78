"""Messages of ``make`` where it cannot go on."""

import subprocess

from stack.supervision.process import ROOT


def test_make_says_which_python_it_needs_where_there_is_none():
    done = subprocess.run(["make", "demo", "PYTHON="], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stderr
