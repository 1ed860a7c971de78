"""What ``manage.py doctor`` says of the settings themselves, and of the machine."""

import shutil
from collections import namedtuple

import pytest

from apps.doctor.findings import Level
from tests.integration.doctor.conftest import only

Usage = namedtuple("Usage", "total used free")
GB = 1 << 30


@pytest.fixture(autouse=True)
def _in_production(settings):
    """What a deployment has."""
    settings.PUBLIC_URL = "https://notifier.example.com"
    settings.ALLOWED_HOSTS = ["notifier.example.com"]
    settings.TRUSTED_PROXIES = ("10.0.0.1/32",)
    settings.SECRET_KEY = "x1y2z3" * 20
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.STREAM_CONNECTIONS = 10


def test_nothing_is_said_of_settings_as_they_should_be(doctor):
    assert doctor("settings") == []


def test_debugging_is_an_error(doctor, settings):
    settings.DEBUG = True
    assert only(doctor("settings"), Level.ERROR, "NOTIFIER_DEBUG is on").remedy == "unset it"


def test_the_public_host_is_to_be_answered_to(doctor, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    only(doctor("settings"), Level.ERROR, "does not answer to notifier.example.com")


def test_answering_to_every_host_is_a_warning(doctor, settings):
    settings.ALLOWED_HOSTS = ["*"]
    only(doctor("settings"), Level.WARNING, "has *")


def test_a_public_url_without_tls_is_a_warning(doctor, settings):
    settings.PUBLIC_URL = "http://notifier.example.com"
    only(doctor("settings"), Level.WARNING, "is not https")


def test_a_proxy_that_is_not_named_is_a_warning(doctor, settings):
    settings.TRUSTED_PROXIES = ()
    only(doctor("settings"), Level.WARNING, "NOTIFIER_TRUSTED_PROXIES is empty")


def test_an_earlier_secret_key_is_a_warning(doctor, settings):
    settings.SECRET_KEY_FALLBACKS = ["z9y8x7" * 20]
    only(doctor("settings"), Level.WARNING, "NOTIFIER_SECRET_KEY_FALLBACKS still holds")


def test_what_djangos_own_checks_find_is_told_with_their_hint(doctor, settings):
    settings.SECRET_KEY = "short"
    found = [one for one in doctor("settings") if "security.W009" in one.message]
    assert [one.level for one in found] == [Level.WARNING]


def test_a_directory_of_metrics_that_cannot_be_written_is_an_error(doctor, settings, tmp_path):
    settings.METRICS_DIR = str(tmp_path / "nowhere")
    only(doctor("machine"), Level.ERROR, "nowhere cannot be written to")


@pytest.mark.parametrize(("free", "level"), [(GB // 2, Level.WARNING), (1 << 20, Level.ERROR)])
def test_a_disk_that_is_nearly_full_is_a_warning_and_then_an_error(
    doctor, monkeypatch, free, level
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GB, 100 * GB - free, free))
    assert {one.level for one in doctor("machine")} == {level}
    assert "logs" in doctor("machine")[0].remedy


def test_fewer_descriptors_than_streams_are_a_warning(doctor, settings):
    settings.STREAM_CONNECTIONS = 10**9
    assert "LimitNOFILE" in only(doctor("machine"), Level.WARNING, "descriptors").remedy
