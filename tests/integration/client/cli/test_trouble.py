"""What the command says where something is wrong, and with which exit code it ends."""

import signal
import subprocess
from collections.abc import Callable

import pytest

from apps.publishers import services
from apps.publishers.scopes import Scope
from notifier_client import NotifierClient, Recipient
from notifier_client.cli import main as entry
from stack.supervision.process import PATIENCE
from tests.integration.client.cli.conftest import Notifier
from tests.integration.client.conftest import work
from tests.support.fakes.scripted_api import SILENCE, serving

Start = Callable[..., subprocess.Popen[str]]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NOTIFIER_URL", "", "Set NOTIFIER_URL to the service's address"),
        ("NOTIFIER_URL", "notifier.example.com", "it is 'notifier.example.com'"),
        ("NOTIFIER_KEY", "", "Set NOTIFIER_KEY to an API key"),
        ("NOTIFIER_KEY", "ntf_\n", "characters that no key has"),
    ],
)
def test_without_url_or_key_it_says_which_to_set(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
):
    monkeypatch.setenv(name, value)
    printed, error = notifier("topics", "list", code=2)
    assert (printed, said in error) == ("", True)


def test_a_wrong_key_and_a_missing_scope_have_an_exit_code_of_their_own(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NOTIFIER_KEY", "ntf_nonsense")
    assert "Check NOTIFIER_KEY" in notifier("topics", "list", code=3)[1]
    _, key = services.create_key(services.create_publisher("reader").pk, {Scope.TOPICS_READ})
    monkeypatch.setenv("NOTIFIER_KEY", key)
    assert "topics:write" in notifier("topics", "create", "offers", code=3)[1]


def test_an_unknown_topic_person_and_notification_are_not_found(notifier: Notifier):
    for command in (
        ["topics", "get", "nothing"],
        ["publish", "nothing", "--body", "x"],
        ["recipients", "get", "nobody"],
        ["deliveries", "00000000-0000-7000-8000-000000000000"],
    ):
        printed, error = notifier(*command, code=4)
        assert printed == "" and error.startswith("notifier: ")
        assert "NOTIFIER_URL" not in error


def test_a_wrong_url_is_told_apart_from_a_service_that_is_down(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(entry, "PATIENCE", 0.5)
    with serving((404, "<html>")) as other:
        monkeypatch.setenv("NOTIFIER_URL", other.url)
        assert "without /v1" in notifier("topics", "list", code=4)[1]
    assert "Check NOTIFIER_URL" in notifier("topics", "list", code=5)[1]
    with serving(SILENCE) as silent:
        monkeypatch.setenv("NOTIFIER_URL", silent.url)
        assert "Check NOTIFIER_URL" in notifier("topics", "list", code=5)[1]


def test_what_the_service_refuses_names_each_field(notifier: Notifier, client: NotifierClient):
    error = notifier("send", "--to", "nobody", "--body", "x", code=1)[1]
    assert "nobody" in error
    client.upsert_recipient("ada")
    error = notifier("recipients", "put", "ada", "--time-zone", "Vienna", code=1)[1]
    assert "time_zone" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["send", "--to", "ada"], "Say what to send"),
        (["send", "--body", "x"], "one of the arguments --to --group is required"),
        (["send", "--to", "ada", "--body", "x", "--variable", "a=b"], "is for a --template"),
        (["send", "--to", "ada", "--template", "x", "--variable", "a"], "not name=text"),
        (["send", "--to", "ada", "--template", "x", "--variable", "a:={"], "not JSON"),
        (["send", "--to", "ada", "--data", "[1]"], "not a JSON object"),
        (["send", "--to", "ada", "--body", "x", "--wait", "0"], "not a number of seconds"),
        (["listen", "--secret", "nonsense"], "whsec_"),
        (["listen", "--forward-to", "localhost:3000"], "http://localhost:3000/hooks"),
        (["topics"], "required: COMMAND"),
        (["topic", "list"], "invalid choice"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_asked(
    notifier: Notifier, arguments: list[str], said: str
):
    assert said in notifier(*arguments, code=2)[1]


def test_ctrl_c_while_following_ends_quietly(client: NotifierClient, start: Start):
    client.upsert_recipient("ada")
    later = {"channel": "email", "after_seconds": 3600, "unless": "read"}
    posted = client.notify_users(["ada"], title="Hi", channels=["inbox"], fallback=later)
    work()
    following = start("deliveries", posted.id, "--follow")
    assert following.stdout is not None
    assert "delivered" in following.stdout.readline()
    following.send_signal(signal.SIGINT)
    _, error = following.communicate(timeout=PATIENCE)
    assert (following.returncode, error) == (130, "")


def test_a_reader_that_has_enough_ends_it_quietly(client: NotifierClient, start: Start):
    client.upsert_recipients(Recipient(f"user-{number}") for number in range(1000))
    listing = start("recipients", "list", "--json")  # more than a pipe holds
    assert listing.stdout is not None and listing.stderr is not None
    assert "user-0" in listing.stdout.readline()
    listing.stdout.close()
    assert listing.stderr.read() == ""
    assert listing.wait(PATIENCE) == 141


def test_what_others_wrote_does_not_command_the_terminal(notifier: Notifier):
    notifier("topics", "create", "offers", "--display-name", "red \x1b[31m")
    for command in (["topics", "get", "offers"], ["topics", "list"]):
        printed, _ = notifier(*command)
        assert "red" in printed and "\x1b" not in printed
