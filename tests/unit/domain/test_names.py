"""Names of queues and categories."""

import pytest

from notifier.domain import categories, queues


def test_every_queue_is_named_by_what_is_in_it() -> None:
    assert queues.names(["push", "sms"]) == [
        *("fanout.high", "fanout.normal", "fanout.low"),
        *("deliver.push.high", "deliver.push.normal", "deliver.push.low"),
        *("deliver.sms.high", "deliver.sms.normal", "deliver.sms.low"),
        *("receipts", "housekeeping"),
    ]


def test_the_queues_of_installations_at_one_broker_differ() -> None:
    assert queues.at_broker("shop", "receipts") == "shop.receipts"


@pytest.mark.parametrize("name", ["STRASSE", "Straße", "strasse"])
def test_a_category_is_the_same_in_any_case(name: str) -> None:
    assert categories.fold(name) == "strasse"


def test_a_category_is_the_same_however_its_accents_are_written() -> None:
    assert categories.fold("cafe\u0301") == categories.fold("CAFÉ") == "café"
