"""Doorbells: coalesced, never waited for, and nothing is lost with one."""

import time

import pytest
from celery import current_app
from kombu.exceptions import OperationalError as BrokerAway

from apps.delivery import tasks
from apps.delivery.flow import provider_pauses
from apps.delivery.monitoring import broker
from apps.delivery.outbox import backlog, doorbells
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import process
from notifier.domain.priorities import Priority
from stack.supervision import ports
from tests.support.publishers.people import recipient
from tests.support.waiting import until

HIGH = Queue("inbox", "high")
LOW = [Queue(channel, "low") for channel in ("push", "sms", "email", "webhook")]


def notify(shop, user_id="ada", **fields):
    body = {"user_id": user_id, "channels": ["inbox"], "priority": "high", **fields}
    return shop.post("notifications", {**body, "content": {"body": "Hello"}})


def doorbells_in(queue, seconds=0.5):
    """Count the doorbells of the queue once no more come."""
    number, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        if queue.get(no_ack=True) is not None:
            number, end = number + 1, time.monotonic() + seconds
        else:
            time.sleep(0.01)
    return number


@pytest.fixture
def quiet(queue):
    """The queue, emptied, once nothing of another test rings any more."""
    doorbells_in(queue, 0.2)
    return queue


@pytest.fixture
def broker_away(monkeypatch):
    """Take the broker away; what this returns brings it back."""

    def use(url):
        current_app.conf.broker_write_url = url
        current_app.amqp._producer_pool = None
        current_app._pool = None

    usual = current_app.conf.broker_write_url
    monkeypatch.setattr(doorbells, "PAUSE_SECONDS", 0.2)
    use(f"amqp://guest:guest@127.0.0.1:{ports.free()}//")
    yield lambda: use(usual)
    use(usual)


def test_what_is_accepted_rings_at_once(shop, quiet):
    recipient("ada")
    began = time.monotonic()
    notify(shop)
    until(lambda: quiet.get(no_ack=True))
    assert time.monotonic() - began < 2


def test_a_doorbell_is_not_stored_and_not_kept_for_ever(quiet):
    doorbells.ring([HIGH])
    message = until(lambda: quiet.get(no_ack=True))
    assert message.properties["delivery_mode"] == 1
    assert quiet.message_ttl and quiet.max_length
    assert message.headers["task"] == tasks.DOORBELLS[HIGH].name


def test_what_is_rung_while_one_goes_out_goes_as_one(quiet):
    began = time.monotonic()
    for _ in range(5000):
        doorbells.ring([HIGH])
    took = time.monotonic() - began
    until(lambda: quiet.get(no_ack=True))
    number = 1 + doorbells_in(quiet)
    assert 1 <= number <= took / doorbells.SPACING[Priority.HIGH] + 2


def test_the_last_of_many_rings_is_received(quiet):
    """Each call rings: its work was written after the doorbell before was published."""
    for _ in range(10):
        doorbells.ring([HIGH])
        until(lambda: quiet.get(no_ack=True))
        doorbells.ring([HIGH])
        assert until(lambda: quiet.get(no_ack=True)), "it is gathered, and not forgotten"


def test_a_code_overtakes_newsletters_on_its_way_to_the_broker(quiet):
    ringer = doorbells._Ringer()
    ringer.ring(LOW)
    ringer.ring([Queue("push", "normal"), HIGH])
    assert [queue.priority for queue in ringer._due()] == ["high", "normal"] + ["low"] * len(LOW)
    ringer.start()
    for _ in range(3000):
        ringer.ring(LOW)
    began = time.monotonic()
    ringer.ring([HIGH])
    until(lambda: quiet.get(no_ack=True))
    assert time.monotonic() - began < 1, "it waits behind them"


def test_nobody_waits_for_a_broker_that_is_away(shop, quiet, broker_away, caplog):
    recipient("ada")
    notify(shop)  # whatever has to be looked up for the first time
    began = time.monotonic()
    for _ in range(1000):
        doorbells.ring([HIGH, *LOW])
    assert time.monotonic() - began < 0.5
    began = time.monotonic()
    notify(shop)
    assert time.monotonic() - began < 1
    until(lambda: "doorbells cannot be published" in caplog.text)
    with pytest.raises((BrokerAway, OSError)):
        doorbells._publish([HIGH])
    broker_away()
    doorbells.ring([HIGH])
    assert until(lambda: quiet.get(no_ack=True)), "it rings again once the broker is back"


def test_workers_find_everything_without_any_broker(shop, broker_away):
    recipient("ada")
    posted = [notify(shop, priority=priority) for priority in Priority]
    process.attend([Queue("inbox", priority) for priority in Priority])
    until(lambda: all(shop.counts(row) == {"inbox": {"delivered": 1}} for row in posted))


def test_a_process_asks_for_all_its_queues_at_once(shop, monkeypatch):
    asked = []
    monkeypatch.setattr(backlog, "ages", lambda queues: asked.append(queues) or {})
    urgent, usual, rare = (Queue("inbox", priority) for priority in Priority)
    process.attend([urgent, usual, rare])
    until(lambda: len(asked) > 8)
    assert asked[:4] == [[urgent, usual, rare], [urgent], [urgent], [urgent]]
    assert asked[4:9] == [[urgent, usual], [urgent], [urgent], [urgent], [urgent, usual, rare]]


# -- The sweeper ------------------------------------------------------------------------------


def depth():
    return broker.depths([HIGH.name]).get(HIGH.name, 0)


def test_the_sweeper_rings_for_what_no_worker_was_rung_for(shop, work, quiet):
    recipient("ada")
    posted = notify(shop)
    until(lambda: quiet.get(no_ack=True))  # and it is lost
    tasks.sweep.apply(throw=True)
    until(lambda: depth() == 1)
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_the_sweeper_rings_once_for_a_queue_however_much_waits_there(shop, quiet):
    for user_id in ("ada", "bob", "eve"):
        recipient(user_id)
        notify(shop, user_id)
    doorbells_in(quiet)
    tasks.sweep.apply(throw=True)
    until(lambda: quiet.get(no_ack=True))
    assert doorbells_in(quiet) == 0


def test_the_sweeper_rings_for_deliveries_that_are_due(shop, work, wake, quiet, execute):
    recipient("ada")
    notify(shop)
    work()
    doorbells_in(quiet)
    execute("UPDATE delivery_delivery SET state = 'retrying', next_attempt_at = now()")
    tasks.sweep.apply(throw=True)
    until(lambda: quiet.get(no_ack=True))
    execute("UPDATE delivery_delivery SET next_attempt_at = now() + interval '1 hour'")
    tasks.sweep.apply(throw=True)
    assert doorbells_in(quiet) == 0


def test_the_sweeper_rings_for_no_queue_without_work_or_provider(shop, work, quiet):
    recipient("ada")
    notify(shop)
    work()
    doorbells_in(quiet)
    tasks.sweep.apply(throw=True)
    assert doorbells_in(quiet) == 0
    provider_pauses.pause("inbox")
    notify(shop)
    doorbells_in(quiet)
    tasks.sweep.apply(throw=True)
    assert doorbells_in(quiet) == 0, "it waits with its provider"
    provider_pauses.resume("inbox")
    doorbells_in(quiet)
    tasks.sweep.apply(throw=True)
    until(lambda: quiet.get(no_ack=True))
