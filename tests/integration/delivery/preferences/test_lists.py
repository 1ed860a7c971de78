"""Lists whose filter no index serves: each page looks through so many rows."""

from apps.api import pagination
from apps.core.delivery_ids import public_id
from apps.delivery.models import Delivery
from tests.support.publishers.people import recipient


def test_deliveries_in_a_rare_state_are_looked_for_a_part_at_a_time(shop, work, monkeypatch):
    people = [f"person-{number}" for number in range(7)]
    for name in people:
        recipient(name)
    posted = shop.post(
        "notifications", {"user_ids": people, "channels": ["inbox"], "content": {"body": "Hello"}}
    )
    work()
    keys = list(Delivery.objects.order_by("id").values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=keys[3:5]).update(state="failed")
    path = f"notifications/{posted['id']}/deliveries"
    monkeypatch.setattr(pagination, "MOST_EXAMINED", 2)
    pages, query = [], {"state": "failed"}
    while query:
        page = shop.get(path, **query)
        pages.append([row["id"] for row in page["data"]])
        query = {"state": "failed", "cursor": page["next"]} if page["next"] else {}
    assert pages == [[], [public_id(keys[3])], [public_id(keys[4])], []]
    assert len(shop.get(path)["data"]) == 7, "without a filter the page is full"


def test_audit_events_of_one_kind_are_looked_for_a_part_at_a_time(shop, monkeypatch):
    shop.post("topics", {"name": "news"}, status=201)
    for number in range(4):
        shop.post("suppressions", {"channel": "sms", "address": f"+4366012345{number}"}, status=201)
    monkeypatch.setattr(pagination, "MOST_EXAMINED", 3)
    first = shop.get("audit", object_type="topic")
    assert first["data"] == [] and first["next"]
    second = shop.get("audit", object_type="topic", cursor=first["next"])
    assert [row["object_name"] for row in second["data"]] == ["news"]
    assert second["next"] is None


def test_subscriptions_on_a_rare_channel_are_looked_for_a_part_at_a_time(shop, monkeypatch):
    shop.topic("news")
    for number in range(4):
        recipient(f"person-{number}")
        channel = "sms" if number == 3 else "inbox"
        requested = {"user_id": f"person-{number}", "channels": [channel]}
        made = shop.post("topics/news/subscriptions", requested, status=200)["subscriptions"][0]
    monkeypatch.setattr(pagination, "MOST_EXAMINED", 3)
    path = "topics/news/subscriptions"
    first = shop.get(path, channel="sms")
    assert first["data"] == [] and first["next"]
    [found] = shop.get(path, channel="sms", cursor=first["next"])["data"]
    assert found["id"] == made["id"]
    at_once = shop.get(path, channel="sms", state="active")
    assert (at_once["data"], at_once["next"]) == ([found], None), "an index leads there"
