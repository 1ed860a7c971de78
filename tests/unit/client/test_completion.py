"""The command's help, its exit codes, and scripts with which shells complete it."""

import subprocess

import pytest

from notifier_client.cli.exits import Exit
from notifier_client.cli.main import main
from tests.support.pages import DOCS, table_of


def complete(script: str, *words: str) -> list[str]:
    """Return what bash offers for the last of these words."""
    line = " ".join(f"'{word}'" for word in words)
    program = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}\n_notifier\n"
    program += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    done = subprocess.run(
        ["bash", "-u"], input=program, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", "bash"]) == 0
    return capsys.readouterr().out


def test_bash_completes_commands_their_commands_and_options(script: str) -> None:
    assert {"send", "publish", "topics", "why"} <= set(complete(script, "notifier", ""))
    assert complete(script, "notifier", "rec") == ["recipients"]
    assert {"list", "create"} <= set(complete(script, "notifier", "topics", ""))
    assert complete(script, "notifier", "topics", "create", "offers", "--disp") == [
        "--display-name"
    ]
    assert complete(script, "notifier", "completion", "f") == ["fish"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    for word in ("send", "subscriptions", "follow", "forward-to"):
        assert word in said


@pytest.mark.parametrize(
    "command",
    [
        *(["send"], ["publish"], ["topics"], ["recipients"]),
        *(["deliveries"], ["why"], ["listen"], ["completion"]),
    ],
)
def test_the_help_of_every_command_has_examples(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"  notifier {command[0]}" in said.partition("examples:\n")[2] or (
        f"(notifier {command[0]}" in said
    )


def test_the_exit_codes_of_the_page_are_those_of_the_command() -> None:
    rows = table_of(DOCS / "api" / "cli.md", "In scripts")
    assert [int(code) for code, _ in rows] == sorted(Exit)
