"""Events say what the publisher knows a notification by."""

from tests.support.deliveries.status_webhooks import HELLO, received, register_webhook
from tests.support.publishers.people import recipient

OWN = {"reference": "order-7", "metadata": {"tenant": "blau", "line": '7\n“ü” \\ "q"'}}
INBOX = {"user_id": "ada", "channels": ["inbox"], "content": HELLO}


def references_of(outside):
    deliveries = [one for event in received(outside) for one in event["data"]["deliveries"]]
    return [{name: one[name] for name in OWN} for one in deliveries]


def test_events_have_the_reference_and_the_metadata(shop, outside, work):
    register_webhook(shop, outside, "delivered")
    recipient("ada")
    shop.post("notifications", {**INBOX, **OWN})
    shop.post("notifications", INBOX)
    work()
    assert references_of(outside) == [OWN, {"reference": "", "metadata": {}}]


def test_the_largest_metadata_fit_into_a_message(shop, outside, work):
    register_webhook(shop, outside, "delivered")
    recipient("ada")
    largest = {"reference": "\\" * 255, "metadata": {f"{n:040}": "ü" * 180 for n in range(20)}}
    for _ in range(3):
        shop.post("notifications", {**INBOX, **largest})
    work()
    assert references_of(outside) == [largest] * 3
