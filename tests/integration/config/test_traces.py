"""A process that records no traces has no tracer, and one whose tracer is refused goes on."""

import os
import subprocess
import sys

import pytest

from config.secrets import fresh
from stack.supervision.process import ROOT

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ASKED = """
import sys, django
django.setup()
from apps.core import tracing
from apps.delivery import traces, tasks
tracing.start()
print(tracing.tracer, [name for name in sys.modules if name.startswith("opentelemetry.sdk.trace")])
"""


def started(tmp_path, **variables):
    """Run a process with these variables alone; return what it prints, and its log."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    clean |= fresh() | variables
    clean["DJANGO_SETTINGS_MODULE"] = "config.settings"
    clean["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path)
    command = [sys.executable, "-c", ASKED]
    done = subprocess.run(command, env=clean, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[-2], done.stderr


def test_a_process_without_them_does_not_import_the_tracer(tmp_path):
    printed, _ = started(tmp_path)
    assert printed == "None []"


@pytest.mark.parametrize(
    ("name", "value"),
    [("OTEL_BSP_SCHEDULE_DELAY", "0"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "-1")],
)
def test_a_variable_that_the_sdk_refuses_costs_the_traces_and_not_the_process(
    tmp_path, name, value
):
    printed, log = started(tmp_path, **{ENDPOINT: "http://127.0.0.1:9", name: value})
    assert printed.startswith("None ")
    assert log.count("this process records no traces: correct or remove its variables OTEL_") == 1


def test_batches_larger_than_the_queue_are_as_large_as_the_queue(tmp_path):
    endpoint = {ENDPOINT: "http://127.0.0.1:9"}
    printed, log = started(tmp_path, **endpoint, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4096")
    assert "Exporting" in printed
    assert "this process records no traces" not in log
