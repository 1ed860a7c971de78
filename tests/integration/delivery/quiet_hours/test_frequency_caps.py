"""Frequency caps: what waits for the end of quiet hours takes no place before it is sent."""

import pytest

from apps.core import cache
from apps.core.cache import ask_redis
from apps.delivery.models import Delivery
from notifier.domain.frequency import Cap, Per, Setter
from tests.support.deliveries.quiet_hours import Push, around_now, be_quiet
from tests.support.publishers.shop import HELLO

WAITS = ("retrying", "quiet_hours")
SENT = ("accepted", "")
CAPPED = ("suppressed", "frequency_cap")


@pytest.fixture(autouse=True)
def one_a_day(settings, fresh_counters):
    settings.FREQUENCY_CAPS = {"push": (Cap(Setter.COMPANY, "", 1, Per.DAY),)}


@pytest.fixture(params=["redis", "database"])
def counted_in(request, monkeypatch):
    if request.param == "database":
        monkeypatch.setattr(cache._shared, "call", lambda what: None)


@pytest.fixture
def send(shop, ada, work):
    """Post a push to Ada and let workers see to it."""

    def run():
        body = {"user_id": "ada", "channels": ["push"], "content": HELLO}
        posted = shop.post("notifications", body)
        work()
        return posted

    return run


def state_and_reason(posted):
    row = Delivery.objects.get(notification_id=posted["id"])
    return row.state, row.reason


def test_what_waits_is_not_counted_until_it_wakes(send, counted_in, wake, work):
    be_quiet("ada", around_now())
    first, second = send(), send()
    assert state_and_reason(first) == state_and_reason(second) == WAITS, (
        "no cap is asked of what waits"
    )
    be_quiet("ada", None)
    third = send()
    assert state_and_reason(third) == SENT, "what waits had not taken the place"
    wake()
    work()
    assert state_and_reason(first) == state_and_reason(second) == CAPPED
    assert len(Push.calls) == 1


def test_what_wakes_is_counted(send, counted_in, wake, work):
    be_quiet("ada", around_now())
    first, second = send(), send()
    be_quiet("ada", None)
    wake()
    work()
    assert sorted((state_and_reason(first), state_and_reason(second))) == [SENT, CAPPED]
    assert state_and_reason(send()) == CAPPED
    assert len(Push.calls) == 1


def test_what_waits_is_not_counted_after_redis_was_emptied(send, wake, work):
    be_quiet("ada", around_now())
    first = send()
    ask_redis(lambda client: client.flushall())
    be_quiet("ada", None)
    assert state_and_reason(send()) == SENT, "nor is it read from the database"
    wake()
    work()
    assert state_and_reason(first) == CAPPED
