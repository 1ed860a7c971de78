"""Settings whose value is in a file, as secrets of containers and systemd are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.secrets import fresh
from stack.supervision.process import ROOT

PRINT = "from django.conf import settings; print(settings.SECRET_KEY, settings.ENCRYPTION_KEYS)"


@pytest.fixture(autouse=True)
def _no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "SETTINGS", [])


def test_a_value_is_read_from_the_file_that_is_named(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("secret\n")
    monkeypatch.setenv("NOTIFIER_DOCTOR_FILE", str(tmp_path / "key"))
    assert env.text("NOTIFIER_DOCTOR", None, "a secret") == "secret"
    assert env.is_given("NOTIFIER_DOCTOR")


def test_a_value_in_both_places_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFIER_DOCTOR", "one")
    monkeypatch.setenv("NOTIFIER_DOCTOR_FILE", str(tmp_path / "key"))
    with pytest.raises(ImproperlyConfigured, match="are both set"):
        env.text("NOTIFIER_DOCTOR", None, "a secret")


def test_a_file_that_is_not_there_is_named_and_white_space_in_it_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFIER_DOCTOR_FILE", str(tmp_path / "key"))
    with pytest.raises(ImproperlyConfigured, match=r"NOTIFIER_DOCTOR_FILE says .*key"):
        env.text("NOTIFIER_DOCTOR", None, "a secret")
    (tmp_path / "key").write_text("secret \n")
    with pytest.raises(ImproperlyConfigured, match="white space at an end"):
        env.text("NOTIFIER_DOCTOR", None, "a secret")


def test_no_setting_is_the_file_of_another(monkeypatch):
    monkeypatch.undo()
    names = {setting.name for setting in env.SETTINGS} | env.UNLISTED
    assert not names & {f"{name}{env.FROM_FILE}" for name in names}


def test_the_service_starts_with_all_its_secrets_in_files(tmp_path: Path):
    values = fresh()
    for name, value in values.items():
        (tmp_path / name).write_text(f"{value}\n")
    given = {name: value for name, value in os.environ.items() if name not in values}
    files = {f"{name}_FILE": str(tmp_path / name) for name in values}
    done = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=ROOT,
        env={**given, **files, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [
        values["NOTIFIER_SECRET_KEY"],
        values["NOTIFIER_ENCRYPTION_KEYS"],
    ], done.stderr
