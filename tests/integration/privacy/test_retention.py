"""What notifications say goes first, the record that they were sent later."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core import clock
from apps.core.delivery_ids import number_of
from apps.delivery.maintenance import notification_retention
from apps.delivery.models import (
    Answer,
    Attempt,
    Chunk,
    DeadLetter,
    Delivery,
    HourCount,
    Notification,
    RetentionMark,
    RetentionRule,
    StateCount,
)
from apps.preferences.models import Category
from apps.publishers.models import AuditEvent
from notifier.domain.categories import CategoryKind
from tests.support.deliveries.links import browse, mails, one_click_url
from tests.support.deliveries.signed_receipts import by_sendgrid, post_receipt, read_receipts
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import HELLO, Shop, delivery_of

DAY = 86_400
RULES = "/admin/delivery/retentionrule"


def post(shop: Shop, **fields: Any) -> Any:
    return shop.post("notifications", {"user_id": "ada", "content": HELLO, **fields})


def content_of(posted: Any) -> bytes:
    return bytes(Notification.objects.get(pk=posted["id"]).content)


def is_on_record(posted: Any) -> bool:
    return Notification.objects.filter(pk=posted["id"]).exists()


@pytest.fixture
def ada(shop, providers):
    return recipient("ada", email="ada@example.com", sms="+4366012345678", push_android="token")


def test_content_goes_after_a_week_and_the_record_after_a_month(shop, work, ada, purge_after):
    posted = post(shop, channels=["email", "inbox"])
    work()
    before = shop.get(f"notifications/{posted['id']}")
    purge_after(6.9)
    assert content_of(posted)
    purge_after(7.1)
    assert not content_of(posted)
    assert shop.get(f"notifications/{posted['id']}") == before
    assert delivery_of_channel(shop, posted, "email")["attempts"]
    purge_after(29.9)
    assert is_on_record(posted)
    purge_after(30.1)
    assert not is_on_record(posted)
    for rows in (Delivery, Attempt, StateCount, Chunk):
        assert not rows.objects.exists()
    assert sum(row.count for row in HourCount.objects.filter(state="accepted")) == 1


def delivery_of_channel(shop: Shop, posted: Any, channel: str) -> Any:
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    [row] = [row for row in rows if row["channel"] == channel]
    return row


def test_a_one_time_password_goes_an_hour_after_its_expiry(shop, work, ada, purge_after):
    Category.objects.create(name="security", kind=CategoryKind.CRITICAL)
    expires = datetime.now(UTC) + timedelta(minutes=5)
    password = post(shop, category="security", expires_at=expires.isoformat(), channels=["sms"])
    other = post(shop, expires_at=expires.isoformat(), channels=["sms"])
    work()
    purge_after(60 / (24 * 60))
    assert content_of(password), "it expired 55 minutes ago"
    purge_after(76 / (24 * 60))
    assert not content_of(password)
    assert content_of(other)


def test_a_password_that_is_valid_for_long_is_looked_at_again(shop, work, ada, purge_after):
    Category.objects.create(name="security", kind=CategoryKind.CRITICAL)
    expires = datetime.now(UTC) + timedelta(days=2)
    posted = post(shop, category="security", expires_at=expires.isoformat(), channels=["sms"])
    work()
    purge_after(0.5)
    purge_after(2)
    assert content_of(posted)
    purge_after(2.1)
    assert not content_of(posted)


def test_what_is_still_to_be_sent_keeps_its_content(shop, work, ada, purge_after):
    later = datetime.now(UTC) + timedelta(days=40)
    scheduled = post(shop, send_at=later.isoformat(), channels=["email"])
    digest = post(shop, channels=["push"], digest={"key": "k", "window": 604_800})
    work()
    purge_after(39)
    assert content_of(scheduled)
    assert content_of(digest)
    purge_after(48)
    assert content_of(scheduled), "it is due, and no worker has sent it yet"
    Chunk.objects.update(ready_at="2020-01-01T00:00:00Z", due_at="2020-01-01T00:00:00Z")
    work()
    assert delivery_of(shop, scheduled)["state"] == "accepted"
    purge_after(48.1)
    assert not content_of(scheduled)
    assert is_on_record(scheduled)
    purge_after(71)
    assert not is_on_record(scheduled)


def write_rules(operator: Client, shop: Shop) -> None:
    """Write rules of a category, of a publisher, and of both."""
    Category.objects.create(name="offers")
    for publisher, category, content, record in (
        ("", "offers", 2, ""),
        (shop.id, "", 3, 20),
        (shop.id, "offers", 20, ""),
    ):
        form = {
            "publisher": publisher,
            "category": category,
            "content_days": content,
            "record_days": record,
        }
        answer = operator.post(f"{RULES}/add/", form)
        assert answer.status_code == 302, answer.context["errors"]


def test_publishers_read_how_long_what_they_send_is_kept(shop, other_shop, operator):
    days = {"content_days": 7, "record_days": 30}
    assert shop.get("usage")["retention"] == {**days, "categories": []}
    write_rules(operator, shop)
    offers = {"category": "offers", "content_days": 20, "record_days": 20}
    own = {"content_days": 3, "record_days": 20, "categories": [offers]}
    assert shop.get("usage")["retention"] == own
    offers = {"category": "offers", "content_days": 2, "record_days": 30}
    assert other_shop.get("usage")["retention"] == {**days, "categories": [offers]}


def test_the_admin_shows_what_applies(shop, other_shop, operator):
    def rows(url: str) -> list[list[str]]:
        page = operator.get(url).content.decode()
        panel = page.partition("What is kept for how long")[2].partition("</section>")[0]
        assert "an hour after its expiry" in panel
        found = re.findall(r"<tr>(<td>.*?)</tr>", panel)
        return [re.findall(r"<td>(.*?)</td>", row) for row in found]

    usual = ["7 days", "30 days"]
    assert rows(f"{RULES}/") == [["any other", "any other", *usual]]
    write_rules(operator, shop)
    assert rows(f"{RULES}/") == [
        ["shop", "any", "3 days", "20 days"],
        ["shop", "offers", "20 days", "20 days"],
        ["any", "offers", "2 days", "30 days"],
        ["any other", "any other", *usual],
    ]
    assert rows(f"/admin/publishers/publisher/{shop.id}/change/") == [
        ["any other", "3 days", "20 days"],
        ["offers", "20 days", "20 days"],
    ]
    offers, default = (
        Category.objects.get_or_create(name=name)[0].pk for name in ("offers", "default")
    )
    assert rows(f"/admin/preferences/category/{offers}/change/") == [
        ["shop", "20 days", "20 days"],
        ["any other", "2 days", "30 days"],
    ]
    assert rows(f"/admin/preferences/category/{default}/change/") == [
        ["shop", "3 days", "20 days"],
        ["any other", *usual],
    ]


def test_rules_of_categories_and_publishers_decide(
    shop, other_shop, work, ada, purge_after, operator
):
    write_rules(operator, shop)
    kept = {
        "own": post(shop, channels=["email"]),
        "own offers": post(shop, category="offers", channels=["email"]),
        "others": post(other_shop, channels=["email"]),
        "others offers": post(other_shop, category="offers", channels=["email"]),
    }
    work()

    def have_content() -> list[str]:
        rows = Notification.objects.exclude(content=b"").values_list("pk", flat=True)
        return [name for name, posted in kept.items() if UUID(posted["id"]) in rows]

    purge_after(2.1)
    assert have_content() == ["own", "own offers", "others"]
    purge_after(3.1)
    assert have_content() == ["own offers", "others"]
    purge_after(7.1)
    assert have_content() == ["own offers"]
    purge_after(20.1)
    assert have_content() == []
    assert not is_on_record(kept["own"])
    assert is_on_record(kept["others"])
    events = AuditEvent.objects.filter(object_type="retention_rule", actor="operator")
    assert [(event.action, event.after["content_days"]) for event in events.order_by("pk")] == [
        ("create", 2),
        ("create", 3),
        ("create", 20),
    ]


def test_a_rule_that_comes_later_holds_for_what_was_passed(shop, work, ada, purge_after, operator):
    RetentionRule.objects.create(publisher_id=shop.id, content_days=100)
    posted = post(shop, channels=["email"])
    work()
    purge_after(10)
    assert content_of(posted)
    rule = RetentionRule.objects.get()
    assert operator.post(f"{RULES}/{rule.pk}/delete/", {"post": "yes"}).status_code == 302
    purge_after(10)
    assert not content_of(posted)


def test_a_changed_rule_delays_no_password(shop, work, ada, purge_after, operator):
    Category.objects.create(name="security", kind=CategoryKind.CRITICAL)
    expires = datetime.now(UTC) + timedelta(days=2)
    posted = post(shop, category="security", expires_at=expires.isoformat(), channels=["sms"])
    others = [post(shop, channels=["inbox"]) for _ in range(2)]
    work()
    purge_after(1)
    passed = RetentionMark.objects.get(pk="expiring")
    assert passed.up_to == UUID(others[-1]["id"])
    form = {"publisher": "", "category": "offers", "content_days": 20, "record_days": ""}
    assert operator.post(f"{RULES}/add/", form).status_code == 302
    assert RetentionMark.objects.filter(pk="expiring", up_to=passed.up_to).exists()
    with CaptureQueriesContext(connection) as queries:
        purge_after(7.5)
    assert not content_of(posted)
    said = [one["sql"] for one in queries]
    emptied = next(number for number, sql in enumerate(said) if "SET content = ''" in sql)
    walks = next(number for number, sql in enumerate(said) if "content:" in sql)
    assert emptied < walks, "what expires waited for walks over everything"


def test_a_dead_letter_without_content_is_not_redriven(shop, work, ada, purge_after, operator):
    recipient("bob", push_android="sandbox-401")
    posted = post(shop, user_id="bob", channels=["push"])
    work()
    letter = delivery_of(shop, posted)
    assert letter["state"] == "dead"
    purge_after(8)
    refused = shop.post("dead-letters/redrive", {"ids": ["dlv_1", letter["id"]]}, status=410)
    assert refused["type"] == "/problems/content-gone"
    assert [error["pointer"] for error in refused["errors"]] == ["/ids/1"]
    matched = shop.post("dead-letters/redrive", {"match": {}}, status=200)
    assert (matched["redriven"], matched["gone"]) == (0, 1)
    page = operator.post(
        "/admin/delivery/deadletter/",
        {"action": "redrive", "_selected_action": [number_of(letter["id"])]},
        follow=True,
    )
    assert "Their content is deleted" in page.content.decode()
    assert delivery_of(shop, posted)["state"] == "dead"
    purge_after(31)
    assert not DeadLetter.objects.exists()
    shop.get(f"dead-letters/{letter['id']}", status=404)


def test_answers_of_people_go_with_the_record(shop, work, ada, purge_after, app):
    posted = post(shop, channels=["inbox"])
    work()
    app("ada").acknowledge(posted)
    assert Answer.objects.count() == 1
    purge_after(8)
    assert Answer.objects.count() == 1
    purge_after(31)
    assert not Answer.objects.exists()
    app("ada").acknowledge(posted, status=404)


def test_who_asks_for_an_old_notification_is_told_that_it_is_deleted(
    shop, work, ada, purge_after, operator
):
    posted = post(shop, channels=["email"])
    work()
    purge_after(31)
    why = reverse("admin:why")
    page = operator.get(why, {"user_id": "ada", "notification": posted["id"]})
    assert "is deleted" not in page.content.decode(), "its id says that it is new"
    old = UUID(int=UUID(posted["id"]).int - (31 * DAY * 1000 << 80))
    detail = shop.get(f"notifications/{old}", status=404)["detail"]
    assert "its record is deleted: records are kept for 30 days" in detail
    page = operator.get(why, {"user_id": "ada", "notification": old})
    assert "its record is deleted" in page.content.decode()
    beyond_any_calendar = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    assert "deleted" not in shop.get(f"notifications/{beyond_any_calendar}", status=404)["detail"]


def test_links_and_receipts_that_come_later_are_answered(
    shop, work, ada, purge_after, callback, outside
):
    posted = post(shop, channels=["email"])
    work()
    [mail] = mails(outside)
    row = delivery_of(shop, posted)
    delivered = by_sendgrid((row["id"], "delivered"))
    bounced = by_sendgrid((row["id"], "bounce"))
    purge_after(8)
    post_receipt(delivered)
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered", "the content is not needed"
    assert browse(one_click_url(mail)).status_code == 200
    purge_after(31)
    post_receipt(bounced)
    read_receipts()
    assert not Delivery.objects.exists()
    assert browse(one_click_url(mail)).status_code == 200


def test_a_run_ends_after_its_time_and_the_next_goes_on_there(shop, work, ada, monkeypatch):
    posted = [post(shop, channels=["inbox"]) for _ in range(3)]
    work()
    monkeypatch.setattr(notification_retention, "AT_ONCE", 1)
    clock.synchronize(time.time() + 8 * DAY)
    try:
        assert notification_retention.purge(longest=0) == 0
        assert all(map(content_of, posted))
        assert notification_retention.purge() == 3
    finally:
        clock.measure()
    assert not any(map(content_of, posted))
