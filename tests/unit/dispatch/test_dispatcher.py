"""The dispatcher sends each message to its provider and reports exactly one outcome."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping, Sequence

import pytest

from notifier import providers
from notifier.dispatch.dispatcher import Dispatcher, Gate, Report, Sent
from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused, Retry, Unknown
from notifier.providers.base import Provider
from stack.supervision.process import PATIENCE

CONTENT = Content("a secret title", "a secret body")
HERE = __name__


class Taking(Provider):
    """Accept, with the provider's name in the id."""

    async def send(self, message: Message) -> Outcome:
        return Accepted(f"{self.name}:{message.id}")


class Broken(Provider):
    async def send(self, message: Message) -> Outcome:
        raise RuntimeError(f"cannot send to {message.address}")


class Forgetful(Provider):
    """Report the first message and raise."""

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        report(Sent(messages[0], self.name, Accepted(), 0.0, 0.0))
        raise RuntimeError(messages[0].address)


class Hanging(Provider):
    async def send(self, message: Message) -> Outcome:
        await asyncio.sleep(60)
        return Accepted()


class Unbuildable(Provider):
    def __init__(self, name: str) -> None:
        raise OSError("no such file")


class Counting(Provider):
    """Record how many calls are under way at most."""

    most = now = 0

    async def send(self, message: Message) -> Outcome:
        Counting.now += 1
        Counting.most = max(Counting.most, Counting.now)
        await asyncio.sleep(0.01)
        Counting.now -= 1
        return Accepted()


class Slow(Provider):
    async def send(self, message: Message) -> Outcome:
        await asyncio.sleep(0.03)
        return Accepted()


def message(number: int, channel: str = "push", platform: str = "android") -> Message:
    return Message(f"d{number}", channel, f"secret-{number}", CONTENT, platform=platform)


def entry(name: str, channel: str = "push", **more: object) -> dict[str, object]:
    return {"class": f"{HERE}.{name}", "channel": channel, **more}


async def send(
    entries: dict[str, dict[str, object]],
    *messages: Message,
    gates: Mapping[str, Gate] | None = None,
) -> list[Sent]:
    dispatcher = Dispatcher(providers.routes(entries))
    reported: list[Sent] = []
    await dispatcher.send(messages, reported.append, gates)
    await dispatcher.close()
    assert sorted(s.message.id for s in reported) == sorted(m.id for m in messages)
    return sorted(reported, key=lambda s: s.message.id)


async def test_a_message_goes_to_the_first_provider_that_takes_its_channel_and_platform() -> None:
    entries = {
        "one": entry("Taking", platforms=["ios"]),
        "two": entry("Taking", platforms=["android", "web"]),
        "three": entry("Taking"),
        "four": entry("Taking", "sms"),
    }
    sent = await send(
        entries,
        message(1, platform="ios"),
        message(2, platform="web"),
        message(3, platform="watch"),
        message(4, "sms", ""),
    )
    assert [s.provider for s in sent] == ["one", "two", "three", "four"]
    assert sent[0].outcome == Accepted("one:d1")


async def test_a_message_nobody_takes_is_refused() -> None:
    (sent,) = await send({"one": entry("Taking", "sms")}, message(1))
    assert (sent.provider, sent.outcome) == ("", Refused(Reason.NO_PROVIDER))


@pytest.mark.parametrize("broken", ["Broken", "Unbuildable"])
async def test_a_bug_in_a_provider_costs_one_attempt_and_logs_no_address(
    broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    entries = {"bad": entry(broken), "good": entry("Taking", "sms")}
    sent = await send(entries, message(1), message(2), message(3, "sms"))
    outcomes = [s.outcome for s in sent]
    assert all(isinstance(o, Retry) and o.reason is Reason.INTERNAL for o in outcomes[:2])
    assert isinstance(outcomes[2], Accepted)
    assert "provider bad" in caplog.text
    assert "secret-" not in caplog.text
    assert "a secret" not in caplog.text


async def test_what_a_dying_provider_did_not_report_is_retried_and_what_it_did_stands() -> None:
    sent = await send({"bad": entry("Forgetful")}, message(1), message(2))
    assert isinstance(sent[0].outcome, Accepted)
    assert isinstance(sent[1].outcome, Retry)


async def test_a_provider_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.providers.base.GRACE_SECONDS", 0.1)
    sent = await send({"bad": entry("Hanging", options={"timeout": 0.1})}, message(1))
    assert sent[0].outcome == Unknown(Reason.TIMEOUT, "no outcome within the deadline")
    assert sent[0].duration < 1


async def test_no_more_calls_than_allowed_are_under_way() -> None:
    Counting.most = 0
    await send({"one": entry("Counting", options={"concurrency": 3})}, *map(message, range(10, 30)))
    assert Counting.most == 3


async def test_a_slow_provider_holds_up_no_other_one() -> None:
    entries = {
        "slow": entry("Slow", platforms=["android"], options={"concurrency": 2}),
        "quick": entry("Taking", platforms=["ios"], options={"concurrency": 2}),
    }
    dispatcher = Dispatcher(providers.routes(entries))
    reported: list[Sent] = []
    messages = [message(n, platform="ios" if n % 2 else "android") for n in range(20)]
    await asyncio.gather(
        dispatcher.send(messages, reported.append),
        dispatcher.send([message(n, platform="ios") for n in range(100, 200)], reported.append),
    )
    await dispatcher.close()
    assert [sent.provider for sent in reported] == ["quick"] * 110 + ["slow"] * 10


async def test_those_that_probe_a_provider_are_others_each_time() -> None:
    gates = {"one": Gate(5, 0.0, Reason.PROVIDER_DOWN, probes=True)}
    messages = [message(number) for number in range(1000)]
    probed = set()
    for _ in range(4):
        found = await send({"one": entry("Taking")}, *messages, gates=gates)
        probed |= {one.message.id for one in found if isinstance(one.outcome, Accepted)}
    assert len(probed) > 10, "and not the five that waited longest"


async def test_outcomes_are_reported_as_they_come() -> None:
    entries = {"slow": entry("Hanging", options={"timeout": 60}), "fast": entry("Taking", "sms")}
    dispatcher = Dispatcher(providers.routes(entries))
    reported: asyncio.Queue[Sent] = asyncio.Queue()
    chunk = [message(1), message(2, "sms")]
    sending = asyncio.create_task(dispatcher.send(chunk, reported.put_nowait))
    first = await asyncio.wait_for(reported.get(), PATIENCE)
    assert first.message.id == "d2"
    sending.cancel()


async def test_a_chunk_may_name_the_same_delivery_twice() -> None:
    sent = await send({"one": entry("Taking")}, message(1), message(1))
    assert len(sent) == 2


def test_a_process_that_sends_no_push_does_not_import_firebase() -> None:
    program = (
        "import sys; from notifier import providers; from notifier.dispatch import dispatcher;"
        "e = {'class': 'notifier.providers.fcm.FCM', 'channel': 'push', 'options': {}};"
        "dispatcher.Dispatcher(providers.routes({'fcm': e}));"
        "import notifier.providers.webhook, notifier.providers.smtp;"
        "assert 'notifier.transport.http' in sys.modules;"
        "sys.exit('firebase_admin' in sys.modules or 'google.auth' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
