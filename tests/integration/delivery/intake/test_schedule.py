"""Notifications for later."""

from datetime import UTC, datetime, timedelta

from tests.support.publishers.people import recipient

HELLO = {"title": "Hello", "body": "There"}


def test_a_notification_for_later_waits_and_is_not_enqueued(shop, execute):
    recipient("ada")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, "send_at": later})
    assert posted["state"] == "scheduled"
    [(due_at,)] = execute("SELECT due_at FROM delivery_chunk")
    assert due_at == datetime.fromisoformat(later)
    assert shop.get(f"notifications/{posted['id']}")["state"] == "scheduled"


def test_a_topics_delay_holds_its_notifications_back(shop):
    shop.topic(delay=600)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    waits = datetime.fromisoformat(posted["send_at"]) - datetime.fromisoformat(posted["created_at"])
    assert waits == timedelta(seconds=600)


def test_a_date_nobody_will_live_to_see_is_refused(shop):
    shop.topic(delay=60)
    body = {"content": HELLO, "send_at": "9999-12-31T23:59:59Z"}
    problem = shop.post("topics/news/publish", body, status=400)
    assert problem["errors"][0]["pointer"] == "/send_at"
