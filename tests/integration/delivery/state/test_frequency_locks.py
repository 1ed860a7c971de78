"""Claims that count what people were sent: which wait for each other, and which do not."""

import pytest
from django.db import transaction

from apps.delivery.state.eligibility import frequency
from tests.support.deliveries.workers import PATIENCE, in_thread
from tests.support.waiting import somebody_waits, until

pytestmark = pytest.mark.django_db(transaction=True)


def counting_somewhere():
    frequency.where_counted(lock=True)


def counting_here():
    frequency.where_counted(lock=True)
    frequency.lock_counting()


def changing_where():
    frequency.lock_where_counted()


def counting_where():
    frequency.where_counted(lock=False)


def begun_while(first, second):
    """Begin the second in a thread while the first has not committed; return the thread."""

    def run():
        with transaction.atomic():
            second()

    first()
    return in_thread(run)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (counting_here, counting_here),
        (counting_somewhere, changing_where),
        (changing_where, counting_somewhere),
        (changing_where, changing_where),
    ],
)
def test_one_waits_for_the_other(first, second):
    with transaction.atomic():
        thread = begun_while(first, second)
        until(lambda: somebody_waits() or not thread.is_alive())
        assert thread.is_alive()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (counting_somewhere, counting_somewhere),
        (counting_here, counting_somewhere),
        (changing_where, counting_where),
        (counting_where, changing_where),
    ],
)
def test_neither_waits_for_the_other(first, second):
    with transaction.atomic():
        thread = begun_while(first, second)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_where_it_is_counted_is_as_last_written_down():
    assert frequency.where_counted(lock=False) is None
    for generation, in_redis in ((1, True), (2, False)):
        with transaction.atomic():
            frequency.lock_where_counted()
            frequency.count_elsewhere(generation, in_redis=in_redis)
        found = frequency.where_counted(lock=False)
        assert found[:2] == (generation, in_redis)
        assert 0 <= found.seconds < PATIENCE
