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


def test_a_process_without_them_does_not_import_the_tracer(tmp_path):
    clean = {name: value for name, value in os.environ.items() if name not in NAMES}
    clean |= fresh() | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }
    command = [sys.executable, "-c", ASKED]
    done = subprocess.run(command, env=clean, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "None []"
