"""The settings of traces."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.operators import monitoring

NAMES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG")


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
