"""``make demo``: the scenario on every channel, on a stack of its own."""

import re
import signal
from pathlib import Path

import pytest

from stack.supervision.process import PATIENCE
from tests.support.process_tree import Launcher

#: Everything is started by the demo itself, and no RabbitMQ answers.
BARE = {"DATABASE_URL": "", "REDIS_URL": "", "AMQP_URL": "amqp://127.0.0.1:1//"}


def ended(demo: Launcher) -> int:
    """Wait for its end, and until nothing of it is left; its exit code."""
    try:
        demo.wait_for("Playing against")
        assert len(demo.family()) > 20  # servers, sandbox, API and workers, with their guards
        return demo.process.wait(PATIENCE)
    finally:
        demo.process.terminate()
        demo.leaves_nothing()


@pytest.mark.parametrize("broker", ["Redis", "RabbitMQ"])
def test_the_demo_plays_agrees_with_the_sandbox_and_leaves_nothing(
    broker: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    env = dict(BARE)
    if broker == "RabbitMQ":
        env["AMQP_URL"] = request.getfixturevalue("rabbitmq_url")
    demo = Launcher("-m", "stack", "demo", "--subscribers", "200", log=tmp_path / "log", env=env)
    assert ended(demo) == 0, demo.output
    said = demo.output
    assert ("Redis is the broker" in said) == (broker == "Redis")
    for channel in ("push", "sms", "email", "webhook", "inbox"):
        assert re.search(rf"^  {channel} .*\d", said, re.MULTILINE), f"no row for {channel}"
    for provider in ("fcm", "apns", "twilio", "sendgrid", "webhook", "inbox"):
        assert re.search(rf"^  {provider} +\d.* yes$", said, re.MULTILINE), f"{provider} disagrees"
    for priority in ("high", "normal", "low"):
        assert re.search(rf"^  {priority}.* +[\d,]+ +[\d,]+$", said, re.MULTILINE)
    assert re.search(r"^  pop-ups \(high\) +20 +\d+ +\d+$", said, re.MULTILINE)
    assert re.search(r"\d deliveries/s", said)
    assert said.rstrip().endswith("Everything is as it should be.")
    assert max(map(len, said.splitlines())) <= 100, "a step is a line"
    assert "\x1b" not in said, "plain text where it is not a terminal"


def test_a_demo_that_fails_says_why_and_ends_with_1(tmp_path: Path) -> None:
    # A text message whose call went unanswered is sent again, against what the demo promises.
    env = {**BARE, "NOTIFIER_RESEND_UNKNOWN": "push.normal,sms.normal"}
    demo = Launcher("-m", "stack", "demo", "--subscribers", "100", log=tmp_path / "log", env=env)
    assert ended(demo) == 1, demo.output
    reason = demo.output.partition("The demo failed:\n")[2]
    promised = r"not paid twice: no answer, 201 -> \w+, and not no answer -> unknown"
    assert re.search(promised, reason), reason
    assert "Traceback" not in demo.output


def test_a_demo_interrupted_while_it_sends_leaves_nothing(tmp_path: Path) -> None:
    # However few the offers are, passwords are sent for seconds after this line.
    demo = Launcher("-m", "stack", "demo", "--subscribers", "100", log=tmp_path / "log", env=BARE)
    demo.wait_for("published offers")
    demo.send(signal.SIGINT)
    demo.leaves_nothing()
    assert demo.process.returncode == 130
    assert "Traceback" not in demo.output
