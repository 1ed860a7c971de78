"""Each condition holds for what its alert is for, and not beside it."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from celery import current_app
from kombu import Queue

from apps.alerts import presence
from apps.alerts.conditions import deliveries, processes, providers, table, upkeep
from apps.alerts.conditions.findings import Unknown
from apps.alerts.models import Presence
from apps.alerts.rules import OF_OURS_ALONE, RULES
from apps.core import clock
from apps.core.processes import heartbeat
from apps.delivery.flow import breakers
from apps.delivery.holding import holding
from apps.delivery.intake import load_shedding
from apps.delivery.models import MinuteCount
from apps.delivery.monitoring import metrics
from apps.operators import log_in_limits
from apps.privacy.models import EncryptionKey, Erasure
from apps.publishers.models import ApiKey
from apps.schedules.models import Schedule
from notifier.resilience.breaker import Tally
from stack.supervision import ports
from tests.integration.delivery.partitions.conftest import partitioned
from tests.support.publishers.people import recipient

__all__ = ["partitioned"]  # fixtures

DAY = timedelta(days=1)
HELLO = {"body": "Hello"}


def about(condition) -> list[str]:
    return [finding.about for finding in condition()]


def attempts(provider: str, reason: str, count: int, *, minutes: int = 1) -> None:
    """Have so many attempts end so, some minutes ago."""
    MinuteCount.objects.create(
        minute=clock.moment() - timedelta(minutes=minutes),
        channel="sms",
        provider=provider,
        outcome="retry" if reason else "accepted",
        reason=reason,
        slot=0,
        count=count,
    )


def test_every_alert_that_is_a_row_has_a_condition():
    assert table.CONDITIONS.keys() == RULES.keys() - {"NotifierDatabaseDown"}
    assert OF_OURS_ALONE <= RULES.keys()


@pytest.mark.parametrize(
    ("priority", "minutes", "holds"),
    [("normal", 16, True), ("normal", 14, False), ("low", 121, True), ("low", 119, False)],
)
def test_what_is_not_urgent_may_wait_for_longer(shop, execute, priority, minutes, holds):
    recipient("ada")
    shop.post("notifications", {"user_id": "ada", "priority": priority, "content": HELLO})
    execute(f"UPDATE delivery_chunk SET ready_at = now() - interval '{minutes} minutes'")
    assert about(deliveries.backlog) == ([f"inbox at {priority} priority"] if holds else [])
    assert about(deliveries.high_backlog) == []


def test_dead_letters_are_news_for_half_an_hour(execute):
    insert = (
        "INSERT INTO delivery_deadletter"
        " (delivery_id, publisher_id, kind, channel, provider, reason, died_at)"
        " VALUES (%s, 1, 'published', %s, 'twilio', 'rejected', now() - %s * interval '1 minute')"
    )
    execute(insert, 1, "sms", 29)
    execute(insert, 2, "email", 31)
    assert about(deliveries.dead_letters) == ["sms"]


def test_what_publishers_are_refused_is_an_overload(shop, execute):
    recipient("ada")
    shop.post("notifications", {"user_id": "ada", "priority": "low", "content": HELLO})
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '2 hours'")
    load_shedding.forget()  # what was measured when it was posted
    assert about(deliveries.overload) == ["inbox at low priority"]


def test_a_schedule_that_nobody_runs_is_overdue(shop):
    assert about(deliveries.schedules_overdue) == []
    recipient("ada")
    notification = {"user_id": "ada", "channels": ["inbox"], "content": HELLO}
    body = {"name": "daily", "cron": "0 9 * * *", "time_zone": "UTC", "notification": notification}
    shop.post("schedules", body, status=201)
    Schedule.objects.update(next_at=clock.moment() - timedelta(seconds=90))
    assert about(deliveries.schedules_overdue) == [""]


def test_what_a_restore_held_waits_for_a_decision(shop):
    recipient("ada")
    shop.post("notifications", {"user_id": "ada", "content": HELLO})
    assert about(deliveries.held) == []
    holding.hold(holding.begin())
    assert about(deliveries.held) == [""]


@pytest.mark.django_db
def test_a_provider_that_fails_a_fifth_of_its_calls_fails():
    attempts("twilio", "", 80)
    attempts("twilio", "provider_error", 20)
    attempts("sendgrid", "", 80)
    attempts("sendgrid", "dead_address", 20, minutes=2)
    attempts("webhook", "connection", 100)
    assert about(providers.failing) == ["twilio"]


@pytest.mark.django_db
def test_a_provider_that_failed_and_is_well_again_does_not_fail():
    attempts("twilio", "provider_error", 50, minutes=30)
    attempts("twilio", "", 100)
    assert about(providers.failing) == []


@pytest.mark.django_db
def test_fewer_than_ten_failures_say_nothing():
    attempts("twilio", "provider_error", 9)
    assert about(providers.failing) == []


@pytest.mark.django_db
def test_a_provider_that_fails_a_little_for_a_day_fails_slowly():
    for minutes in (60, 600, 1200):
        attempts("twilio", "", 96, minutes=minutes)
        attempts("twilio", "timeout", 4, minutes=minutes)
    assert about(providers.failing) == []
    assert about(providers.failing_slowly) == ["twilio"]


@pytest.mark.django_db
def test_refused_credentials_are_told_of_for_ten_minutes():
    attempts("twilio", "authentication", 1, minutes=9)
    attempts("sendgrid", "authentication", 1, minutes=12)
    assert about(providers.credentials_refused) == ["twilio"]


@pytest.fixture
def opened(transactional_db):
    """Twilio's breaker, open."""
    breakers.forget()
    breakers._breaker("twilio").report(Tally(100, 100, 100))
    yield
    breakers.close("twilio")
    breakers.forget()


def test_an_open_breaker_is_an_alert_while_calls_go_on(opened):
    assert [one.state for one in breakers.breakers() if one.name == "twilio"] == ["open"]
    assert about(providers.breaker_open) == []
    attempts("twilio", "provider_error", 1)
    assert about(providers.breaker_open) == ["twilio"]


def present(process: str, *, seen: int, worked: int | None = None, host: str = "one") -> None:
    """A process that was seen, and worked, so many seconds ago."""
    now = clock.moment()
    Presence.objects.create(
        process=process,
        host=host,
        pid=len(host) + seen,
        seen_at=now - timedelta(seconds=seen),
        worked_at=None if worked is None else now - timedelta(seconds=worked),
    )


@pytest.mark.django_db
def test_a_process_that_runs_and_does_nothing_is_silent():
    present("sms", seen=5, worked=130)
    present("push", seen=5, worked=100)
    present("email", seen=900, worked=1000)
    present("web", seen=5)
    assert about(processes.silent) == ["sms at one"]


@pytest.mark.django_db
def test_a_process_that_never_began_to_work_is_silent(monkeypatch):
    monkeypatch.setattr(heartbeat, "_last", None)
    monkeypatch.setattr(presence, "_started", time.monotonic() - 130)
    presence.report("sms")
    presence.report("web")
    assert [name.partition(" ")[0] for name in about(processes.silent)] == ["sms"]


@pytest.mark.django_db
def test_a_line_of_the_procfile_is_gone_when_no_machine_has_it_any_more():
    present("sms", seen=100)
    present("push", seen=100)
    present("push", seen=5, host="another")
    present("email", seen=2 * 3600)
    present("email", seen=8 * 24 * 3600, host="removed")
    present("stream", seen=8 * 24 * 3600)
    assert sorted(about(processes.gone)) == ["email", "sms"], "of hours ago, too"
    assert not Presence.objects.filter(host="removed").exists()
    assert not Presence.objects.filter(process="stream").exists()


def test_a_broker_that_is_away_is_down(monkeypatch, db):
    assert about(processes.broker_down) == []
    nowhere = f"amqp://guest:guest@127.0.0.1:{ports.free()}//"
    monkeypatch.setattr(current_app.conf, "broker_read_url", nowhere)
    assert about(processes.broker_down) == [""]
    with pytest.raises(Unknown):
        about(processes.queue_unattended)


def test_a_queue_without_a_worker_is_unattended_once_something_is_due(rabbitmq_url, shop, execute):
    with current_app.connection_for_write() as connection:
        declared: Queue = current_app.amqp.queues["deliver.inbox.high"].bind(
            connection.default_channel
        )
        declared.declare()
        assert about(processes.queue_unattended) == []
        recipient("ada")
        shop.post("notifications", {"user_id": "ada", "priority": "high", "content": HELLO})
        assert about(processes.queue_unattended) == ["deliver.inbox.high"]
        declared.delete()


def test_redis_that_is_away_is_down(settings):
    assert about(processes.redis_down) == []
    settings.REDIS_URL = f"redis://127.0.0.1:{ports.free()}/0"
    assert about(processes.redis_down) == [""]


@pytest.mark.django_db
def test_an_encryption_key_is_old_after_two_years():
    for days, holds in ((729, False), (731, True)):
        since = clock.moment() - days * DAY
        EncryptionKey.objects.update_or_create(
            pk=1, defaults={"since": since, "first_at": since, "retired_at": None}
        )
        assert bool(about(upkeep.encryption_key_old)) == holds


@pytest.mark.django_db
def test_an_erasure_waits_after_a_day():
    row = Erasure.objects.create(subject=b"1", user_id=b"1")
    for hours, holds in ((23, False), (25, True)):
        Erasure.objects.update(requested_at=clock.moment() - timedelta(hours=hours))
        assert bool(about(upkeep.erasure_waits)) == holds
    Erasure.objects.filter(pk=row.pk).update(finished_at=clock.moment())
    assert about(upkeep.erasure_waits) == []


@pytest.fixture
def later() -> Iterator[Callable[[int], None]]:
    """Let it be so many days later."""
    yield lambda days: clock.synchronize(time.time() + days * DAY.total_seconds())
    clock.measure()


def test_partitions_end_soon_where_no_new_ones_are_made(partitioned, later):
    for days, ahead, holds in ((0, 7, False), (3, 4, False), (4, 3, True), (9, 0, True)):
        later(days)
        assert bool(about(upkeep.partitions_end)) == holds
        assert f"\nnotifier_partition_days_ahead {ahead}.0" in metrics.exposition().decode()


def test_tables_that_are_not_partitioned_have_no_partitions_that_end(transactional_db, later):
    later(9)
    assert about(upkeep.partitions_end) == []
    assert "\nnotifier_partition_days_ahead " not in metrics.exposition().decode()


def test_an_api_key_in_use_ends_soon_or_has_ended(shop):
    now = clock.moment()
    key = ApiKey.objects.get()
    for days, used, holds in ((6, 1, True), (8, 1, False), (6, 20, False), (-1, 2, True)):
        ApiKey.objects.update(expires_at=now + days * DAY, last_used_at=now - used * DAY)
        assert about(upkeep.api_key_ends) == ([f"{key.prefix} of shop"] if holds else [])


@pytest.mark.django_db
def test_somebody_who_forgot_a_password_is_no_alert_and_one_who_goes_on_is():
    for _ in range(log_in_limits.PAIR.free):
        log_in_limits.charge("admin", "10.0.0.9")
    assert about(upkeep.log_ins_paused) == []
    with pytest.raises(log_in_limits.Paused):
        log_in_limits.charge("admin", "10.0.0.9")
    log_in_limits.LogInLimit.objects.update(until=clock.moment())
    log_in_limits.charge("admin", "10.0.0.9")
    assert about(upkeep.log_ins_paused) == [""]


@pytest.mark.django_db
def test_one_condition_that_cannot_be_read_leaves_the_others(monkeypatch, caplog):
    def broken():
        raise ZeroDivisionError

    monkeypatch.setitem(table.CONDITIONS, "NotifierRedisDown", table.Condition(broken))
    found = table.read()
    assert found.keys() == table.CONDITIONS.keys() - {"NotifierRedisDown"}
    assert "the condition of NotifierRedisDown cannot be read" in caplog.text
