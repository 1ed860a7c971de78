"""The command at a service that fails: a scripted one on a real socket."""

import pytest

from notifier_client.cli import main as command
from tests.support.fakes.scripted_api import HANG_UP, problem, serving
from tests.unit.client.test_client import ACCEPTED

SEND = ["send", "--to", "ada", "--body", "Hello"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PATIENCE", 0.3)
    monkeypatch.setenv("NOTIFIER_KEY", "ntf_key")


def test_what_was_accepted_is_named_where_the_service_goes_away_afterwards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving((202, ACCEPTED), *[HANG_UP] * 50) as script:
        monkeypatch.setenv("NOTIFIER_URL", script.url)
        assert command.main([*SEND, "--wait", "20"]) == 6
    assert "Notification 0199 was accepted." in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["<html>Log in</html>", "0199"])
def test_an_address_of_something_else_is_not_found(
    answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving((200, answer)) as script:
        monkeypatch.setenv("NOTIFIER_URL", script.url)
        assert command.main(SEND) == 4
    assert "check its base URL" in capsys.readouterr().err


def test_a_terminal_obeys_nothing_that_a_service_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = problem(422, "invalid-request", detail="\x1b]52;c;eA==\x07wrong", errors=["x"])
    with serving((status, said)) as script:
        monkeypatch.setenv("NOTIFIER_URL", script.url)
        assert command.main(SEND) == 1
    printed = capsys.readouterr().err
    assert "wrong" in printed and "\x1b" not in printed
