"""When the client is built and installed into .venv."""

import sys

import pytest

from stack import install


@pytest.fixture
def make(monkeypatch, tmp_path):
    """Run the installation in a folder of its own; what it has installed."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / "client").mkdir()
    (tmp_path / "client" / "calls.py").write_text("1")
    (tmp_path / "requirements.txt").write_text("h11==0.16.0")
    places = {"ROOT": tmp_path, "VENV": tmp_path / ".venv", "CLIENT": tmp_path / "client"}
    for name, place in {**places, "LOG": tmp_path / "state" / "log"}.items():
        monkeypatch.setattr(install, name, place)
    for name in ("heed_signals", "end_with_parent", "_make_venv"):
        monkeypatch.setattr(install, name, lambda: None)
    installed = []
    monkeypatch.setattr(install, "_install", lambda _: installed.append("packages"))
    monkeypatch.setattr(install, "_install_client", lambda: installed.append("client"))
    monkeypatch.setattr(sys, "argv", ["install", "requirements.txt"])

    def run():
        installed.clear()
        assert install.main() == 0
        return list(installed)

    return run


def test_the_client_is_installed_again_when_its_sources_have_changed(make, tmp_path):
    assert make() == ["packages", "client"]
    assert make() == []
    (tmp_path / "client" / "calls.py").write_text("2")
    assert make() == ["client"]
    (tmp_path / "client" / "new.py").touch()
    assert make() == ["client"]
    (tmp_path / "client" / "new.pyc").touch()
    assert make() == []


def test_what_could_not_be_installed_is_tried_again(make, monkeypatch):
    def fail():
        raise SystemExit("The client could not be built")

    with monkeypatch.context() as patch:
        patch.setattr(install, "_install_client", fail)
        with pytest.raises(SystemExit):
            make()
    assert make() == ["client"]
