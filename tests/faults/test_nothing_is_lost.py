"""Break one thing in the middle of a publish; everything accepted is delivered or accounted for.

For every fault: as many deliveries as subscribers, none lost, and duplicates no more than what
was in flight when it broke.
"""

import json
import signal
import time
import urllib.error
import urllib.request

import pytest

from tests.faults.line import IN_FLIGHT, PROCESSES, Line, token

AUDIENCE = 1500


def all_arrived(line: Line, notification: str, size: int = AUDIENCE) -> None:
    counts = line.settled(notification)
    assert counts == {"accepted": size}
    assert line.received() == size
    assert line.duplicates() <= IN_FLIGHT


def slow_provider(line: Line) -> None:
    """Each answer takes a while, so that a fault finds work in hand."""
    line.sandbox.behave("fcm", "slow", seconds=0.3)


@pytest.mark.parametrize("process", ["push", "fanout", "housekeeping", "beat"])
def test_a_killed_process_loses_nothing(line: Line, process: str):
    topic = line.audience(AUDIENCE)
    slow_provider(line)
    notification = line.publish(topic)
    line.begun(notification)
    line.stage.processes.kill(process)
    line.until(lambda: process in line.stage.processes.dead(), 10)
    line.stage.processes.restart(process)
    all_arrived(line, notification)


def test_a_worker_killed_before_it_cuts_the_audience_loses_nothing(line: Line):
    topic = line.audience(300)
    line.stage.processes.kill("fanout")
    line.until(lambda: "fanout" in line.stage.processes.dead(), 10)
    notification = line.publish(topic)
    time.sleep(1)
    line.stage.processes.restart("fanout")
    all_arrived(line, notification, 300)


def test_a_stopped_worker_loses_its_chunks_and_its_late_writes_are_kept_out(line: Line):
    topic = line.audience(AUDIENCE)
    slow_provider(line)
    notification = line.publish(topic)
    line.begun(notification)
    line.stage.processes.kill("push", signal.SIGSTOP)
    time.sleep(5)  # longer than its lease: the sweeper puts its chunks back
    line.stage.processes.kill("push", signal.SIGCONT)
    all_arrived(line, notification)


def test_a_worker_asked_to_stop_ends_what_it_holds_and_sends_nothing_twice(line: Line):
    topic = line.audience(AUDIENCE)
    slow_provider(line)
    notification = line.publish(topic)
    line.begun(notification)
    line.stage.processes.restart("push")
    assert line.settled(notification) == {"accepted": AUDIENCE}
    assert (line.received(), line.duplicates()) == (AUDIENCE, 0)


def test_a_restarted_broker_loses_nothing(line: Line):
    topic = line.audience(AUDIENCE)
    slow_provider(line)
    notification = line.publish(topic)
    line.begun(notification)
    line.servers.rabbitmq.restart()
    all_arrived(line, notification)


def test_with_the_broker_down_publishing_is_answered_at_once_and_delivered_later(line: Line):
    topic = line.audience(50)
    line.servers.rabbitmq.stop()
    took = []
    notifications = []
    for priority in ("high", "normal", "low"):
        began = time.monotonic()
        notifications.append(line.publish(topic, priority=priority))
        took.append(time.monotonic() - began)
    assert max(took) < 1
    line.servers.rabbitmq.start()
    for notification in notifications:
        assert line.settled(notification) == {"accepted": 50}


def test_deleted_queues_lose_nothing(line: Line):
    topic = line.audience(300)
    line.stage.processes.stop("push")
    notification = line.publish(topic)
    line.until(
        lambda: line.sql("SELECT count(*) FROM delivery_chunk WHERE kind = 'range'")[0][0] > 0, 20
    )
    line.servers.rabbitmq.control("delete_queue", "deliver.push.normal")
    line.stage.processes.restart("push")
    all_arrived(line, notification, 300)


def test_a_broker_in_memory_alarm_does_not_block_publishing(line: Line):
    topic = line.audience(50)
    line.servers.rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        began = time.monotonic()
        notification = line.publish(topic)
        assert time.monotonic() - began < 1
        time.sleep(1)
    finally:
        line.servers.rabbitmq.control("set_vm_memory_high_watermark", "0.6")
    all_arrived(line, notification, 50)


def ready(line: Line) -> tuple[int, dict[str, str]]:
    """What /readyz says: its status, and the state of each server."""
    try:
        with urllib.request.urlopen(line.stage.api_url + "/readyz", timeout=20) as answer:
            return answer.status, json.load(answer)["checks"]
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)["checks"]


def test_a_restarted_database_loses_nothing_it_accepted(line: Line):
    topic = line.audience(AUDIENCE)
    slow_provider(line)
    notification = line.publish(topic)
    line.begun(notification)
    line.servers.postgres.stop()
    status, checks = ready(line)
    assert status == 503
    assert checks["database"].startswith("missing: ")
    assert (checks["broker"], checks["redis"]) == ("ok", "ok")
    line.servers.postgres.start()
    line.until(lambda: ready(line)[0] == 200, 30)
    all_arrived(line, notification)


@pytest.mark.parametrize("fault", ["flushed", "gone"])
def test_without_redis_everything_goes_on(line: Line, fault: str):
    topic = line.audience(AUDIENCE)
    slow_provider(line)
    notification = line.publish(topic)
    line.begun(notification)
    if fault == "gone":
        line.servers.redis.stop()
    else:
        import redis

        redis.Redis.from_url(line.servers.redis_url).flushall()
    all_arrived(line, notification)
    line.sandbox.reset()
    all_arrived(line, line.publish(topic))


def test_a_killed_api_process_leaves_either_nothing_or_all_of_a_notification(line: Line):
    topic = line.audience(50)
    line.stage.processes.kill("web")
    line.until(lambda: "web" in line.stage.processes.dead(), 10)
    line.stage.processes.restart("web")
    line.stage.processes["web"].wait_ready()
    all_arrived(line, line.publish(topic), 50)


def test_a_provider_that_heals_gets_everything_in_the_end(line: Line):
    topic = line.audience(300)
    line.sandbox.behave("fcm", "503", seconds=4)
    notification = line.publish(topic)
    time.sleep(2)
    line.sandbox.heal()
    all_arrived(line, notification, 300)


def test_an_urgent_message_does_not_wait_behind_a_newsletter(line: Line):
    topic = line.audience(AUDIENCE)
    ada = line.person(contacts=[{"channel": "sms", "address": "+4366012345678"}])
    slow_provider(line)
    newsletter = line.publish(topic, priority="low")
    waits = []
    for _ in range(10):
        posted = line.call(
            "POST",
            "/v1/notifications",
            {
                "user_id": ada,
                "channels": ["sms"],
                "priority": "high",
                "content": {"body": "123 456"},
            },
        )["id"]
        line.until(lambda posted=posted: line.read(posted)["state"] == "done", 5)
        [(wait,)] = line.sql(
            "SELECT extract(epoch FROM a.started_at - n.created_at)::float "
            "FROM delivery_attempt a JOIN delivery_delivery d ON d.id = a.delivery_id "
            "JOIN delivery_notification n ON n.id = d.notification_id WHERE n.id = %s",
            posted,
        )
        waits.append(wait)
    assert max(waits) < 2, waits
    line.settled(newsletter)


def test_no_log_names_an_address_or_what_was_said(line: Line):
    phone, words = "+4366098765432", "sesame open"
    ada = line.person(
        contacts=[{"channel": "sms", "address": phone}],
        devices=[{"platform": "android", "token": token("unspeakable")}],
    )
    line.sandbox.behave("twilio", "500", times=1)
    line.sandbox.behave("fcm", "garbled", times=1)
    body = {"user_id": ada, "channels": ["sms", "push"], "content": {"body": words}}
    posted = line.call("POST", "/v1/notifications", body)["id"]
    line.until(lambda: line.read(posted)["state"] == "done", 30)
    logs = list(line.logs.glob("*.log"))
    assert len(logs) > len(PROCESSES)
    for log in logs:
        text = log.read_text(errors="replace")
        assert not any(word in text for word in (phone, phone[1:], words, "unspeakable")), log


def test_every_process_of_the_line_still_runs(line: Line):
    assert set(line.stage.processes.pids()) == set(PROCESSES)
