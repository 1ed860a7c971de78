"""The benchmarks' own parts: what they count, print and conclude."""

import asyncio
import importlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from bench.__main__ import BENCHMARKS, QUICK
from bench.benchmarks import accept, disk
from bench.benchmarks.otp import percentile
from bench.harness.machine import machine
from bench.harness.meter import Meter
from bench.harness.report import Bar, Report, Table, columns, write
from bench.harness.sink import Sink
from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted
from notifier.domain.priorities import Priority
from notifier.providers.fcm import FCM
from notifier.providers.sendgrid import SendGrid
from notifier.providers.twilio import Twilio
from notifier.providers.webhook import Webhook
from stack.debian import NGINX
from stack.errors import StackError
from stack.state_directory import State
from stack.supervision.process import ROOT
from stack.supervision.processes import Procfile
from tests.support.programs import need

WRK = """Running 15s test @ http://127.0.0.1:8000/v1/notifications
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    25.72ms    9.92ms 179.73ms   92.31%
    Req/Sec   633.91     97.32   808.00     74.67%
  Latency Distribution
     50%   23.86ms
     99%    1.20s
  9470 requests in 15.02s, 2.85MB read
Requests/sec:    630.45
Transfer/sec:    194.31KB
"""


def test_a_bar_holds_up_to_its_limit():
    assert Bar("times", 2.0, least=2.0).holds
    assert not Bar("times", 1.99, least=2.0).holds
    assert Bar("seconds", 1.0, most=1.0).holds
    assert not Bar("seconds", 1.01, most=1.0).holds
    assert str(Bar("seconds", 1.5, most=1)) == "seconds: 1.5, wanted at most 1: DOES NOT HOLD"


def test_a_table_is_as_wide_as_what_it_says():
    table = Table(("way", "rate"), [("a long one", "7"), ("b", "1,234")])
    assert str(table).splitlines() == [
        "way          rate",
        "-----------------",
        "a long one      7",
        "b           1,234",
    ]


def test_a_program_that_a_fresh_machine_lacks_is_named_as_none(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.harness.machine.NGINX", tmp_path / "nginx")
    assert machine()["nginx"] == "none"


def test_a_report_is_kept_as_json_and_as_a_picture_with_machine_and_verdict(tmp_path):
    report = Report(
        "growth",
        "One publish",
        [],
        [Bar("times", 3.0, least=2.0)],
        {"runs": [1, 2]},
        [lambda axes: columns(axes, {"push": 3.0, "sms": 1.0}, "a second")],
    )
    about = machine()
    write(report, about, tmp_path)
    kept = json.loads((tmp_path / "growth.json").read_text())
    assert kept["machine"] == about
    assert about["cores"] >= 1 and about["commit"] and "." in about["postgres"]
    assert kept["bars"] == [
        {"what": "times", "value": 3.0, "least": 2.0, "most": None, "holds": True}
    ]
    assert kept["runs"] == [1, 2]
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_what_wrk_says_is_read_and_must_be_on_record():
    cpu = {"web": 9.48, "postgres": 0.948}
    asked = accept._read(WRK, 9480, cpu)
    assert (asked.rate, asked.p99, asked.answered) == (630.45, 1200.0, 9470)
    assert (asked.web, asked.postgres) == pytest.approx((1000, 100))
    with pytest.raises(StackError, match="9,470 requests were answered, and 9,000 are on record"):
        accept._read(WRK, 9000, cpu)
    with pytest.raises(StackError, match="Non-2xx"):
        accept._read(WRK + "  Non-2xx or 3xx responses: 3\n", 9480, cpu)


def test_a_percentile_is_between_the_values_around_it():
    waits = [number / 100 for number in range(101)]
    assert percentile(waits, 50) == pytest.approx(0.5)
    assert percentile(waits, 99) == pytest.approx(0.99)


def test_cpu_of_children_that_ended_counts_for_their_parent():
    busy = "import time\nwhile time.process_time() < 0.4: pass"
    parent = f"import subprocess, sys; input(); subprocess.run([sys.executable, '-c', {busy!r}]);"
    parent += "print('done', flush=True); input()"
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        with Meter({"busy": process.pid}) as meter:
            print(file=process.stdin, flush=True)
            assert process.stdout.readline() == "done\n"
        process.communicate("\n")
    # The kernel rounds user and system time down to a tick of 10 ms each.
    assert meter.costs["busy"].cpu >= 0.3 - 2 / os.sysconf("SC_CLK_TCK")
    assert meter.costs["busy"].peak_rss > 1_000_000


def test_every_benchmark_runs_processes_of_the_procfile():
    lines = Procfile({}, ROOT).commands
    assert set(QUICK) <= set(BENCHMARKS)
    for name in BENCHMARKS:
        module = importlib.import_module(f"bench.benchmarks.{name}")
        assert callable(module.measure)
        assert set(module.PROCESSES) <= set(lines), name


def test_the_page_on_benchmarks_names_each_of_them():
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")] == list(
        BENCHMARKS
    )


def test_the_sink_answers_as_every_provider_does_and_counts(tmp_path):
    need(NGINX)
    state = State(tmp_path / "state")
    with Sink(state) as sink:
        outcomes = asyncio.run(_sent_to(sink))
        assert outcomes == {name: {Accepted} for name in ("fcm", "twilio", "sendgrid", "webhook")}
        counts = sink.counts()
        assert counts.pop("first") > 1_700_000_000
        assert counts == {"fcm": 3, "twilio": 2, "sendgrid": 2, "webhook": 2}
        # Those of high priority are noted one by one.
        assert {key: len(came) for key, came in sink.urgent().items()} == {"ntf-0": 1}
        sink.reset()
        assert sink.counts() == {}
    state.close()


async def _sent_to(sink: Sink) -> dict[str, set[type]]:
    config, content = sink.config, Content("Hello", "there")
    ca = {"ca_file": config["ca_file"]}
    account = {name: config["fcm"][name] for name in ("project_id", "service_account_file")}
    fcm = FCM("fcm", base_url=sink.url, **account, **ca)
    twilio = Twilio(
        "twilio", account_sid="AC1", auth_token="t", from_number="+1", base_url=sink.url, **ca
    )
    sendgrid = SendGrid("sendgrid", api_key="k", from_email="a@b.example", base_url=sink.url, **ca)
    webhook = Webhook("webhook", allowed_networks=["127.0.0.0/8"], **ca)
    outcomes: dict[str, set[type]] = {}
    for provider, channel, address, many in (
        (fcm, "push", "token", 3),
        (twilio, "sms", "+15550001", 2),
        (sendgrid, "email", "someone{}@example.com", 2),
        (webhook, "webhook", f"{sink.url}/webhook/x", 2),
    ):
        messages = [
            Message(
                f"dlv_{number}",
                channel,
                address.format(number),
                content,
                platform="android" if channel == "push" else "",
                priority=Priority.LOW if number else Priority.HIGH,
                notification_id=f"ntf-{number}",
                posted_at=datetime.now(UTC),
                secret="whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
            )
            for number in range(many)
        ]
        found = outcomes[provider.name] = set()
        await provider.send_chunk(messages, lambda sent, found=found: found.add(type(sent.outcome)))
        await provider.close()
    await asyncio.sleep(0.15)
    return outcomes


def test_what_is_kept_is_without_what_goes_after_a_day():
    grown = {
        "delivery_delivery": disk.Sizes(500, 400, 0),
        "delivery_notification": disk.Sizes(300, 100, 1),
        "delivery_idempotencykey": disk.Sizes(300, 100, 0),
    }
    single = disk.Growth(20_000, grown)
    ways = {
        disk.BATCHES: single,
        disk.PUBLISH: disk.Growth(20_000, {"delivery_delivery": disk.Sizes(1, 2, 3)}),
        disk.POSTS: disk.Growth(2_000, grown | {"delivery_attempt": disk.Sizes(100, 100, 0)}),
    }
    found = disk.report(ways)
    assert [(bar.value, bar.holds) for bar in found.bars] == [(1301, True), (1501, False)]
    sums, parts = found.tables
    assert sums.rows[0] == ("delivery_delivery", "900", "6", "900")
    assert sums.rows[-1] == ("while its record is kept", "1,301", "6", "1,501")
    assert ("delivery_notification", "300", "100", "1") in parts.rows
