"""Every command of the service refuses a setting that nothing reads."""

import os
import subprocess
import sys

import pytest

from config.secrets import fresh
from stack.supervision.process import ROOT


@pytest.mark.parametrize(
    "command",
    [
        ["gunicorn", "config.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket"],
        ["celery", "--quiet", "-A", "config", "worker", "-P", "threads", "-Q", "deliver.sms.high"],
        ["celery", "--quiet", "-A", "config", "beat"],
        ["celery", "--quiet", "-A", "config", "flower", "--port=0"],
        ["manage.py", "migrate"],
        ["manage.py", "check"],
    ],
    ids=lambda command: command[-1] if command[0] != "gunicorn" else "web",
)
def test_a_misspelt_setting_stops_every_process_with_a_sentence(command):
    module = [] if command[0] == "manage.py" else ["-m"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, *module, *command],
        env=env | fresh() | {"NOTIFIER_SENDGIRD_API_KEY": "SG.1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "NOTIFIER_SENDGIRD_API_KEY is no setting (did you mean NOTIFIER_SENDGRID_API_KEY?)" in (
        done.stdout + done.stderr
    )
