"""The settings of traces, and that a process without them has no tracer."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.operators import monitoring
from config.secrets import fresh
from stack.supervision.process import ROOT

NAMES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG")
ASKED = """
import sys, django
django.setup()
from apps.core import tracing
from apps.delivery import traces, tasks
tracing.start()
print(tracing.tracer, [name for name in sys.modules if name.startswith("opentelemetry.sdk.trace")])
"""


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.setattr(env, "SETTINGS", [])
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_there_are_none_without_an_endpoint():
    assert monitoring.traces() == ("", 0.01)


def test_an_endpoint_and_a_share_are_read(monkeypatch):
    monkeypatch.setenv(NAMES[0], "http://collector:4318")
    monkeypatch.setenv(NAMES[1], "1")
    assert monitoring.traces() == ("http://collector:4318", 1.0)


@pytest.mark.parametrize(
    ("name", "value"), [(NAMES[0], "collector:4318"), (NAMES[1], "1.5"), (NAMES[1], "some")]
)
def test_a_wrong_value_is_refused_by_its_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        monitoring.traces()


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
    printed, log = started(tmp_path, **{NAMES[0]: "http://127.0.0.1:9", name: value})
    assert printed.startswith("None ")
    assert log.count("this process records no traces: correct or remove its variables OTEL_") == 1


def test_batches_larger_than_the_queue_are_as_large_as_the_queue(tmp_path):
    endpoint = {NAMES[0]: "http://127.0.0.1:9"}
    printed, log = started(tmp_path, **endpoint, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4096")
    assert "Exporting" in printed
    assert "this process records no traces" not in log
