"""A scheduled notification is edited until it is begun, and not afterwards."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from apps.delivery.maintenance import notification_retention
from apps.delivery.models import Chunk, Delivery, Notification, RetentionDeferral
from apps.inbox import services as inbox
from apps.inbox.models import InboxItem
from apps.preferences.models import Recipient
from apps.publishers import services
from apps.publishers.models import AuditEvent
from apps.publishers.scopes import Scope
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop

CONFLICT = "/problems/conflict"
CODE = {
    "name": "code",
    "default_locale": "en",
    "contents": [{"channel": "inbox", "locale": "en", "title": "Code", "body": "B"}],
}


def soon(**ahead: float) -> str:
    return (timezone.now() + timedelta(**ahead)).isoformat()


def scheduled(shop: Shop, **fields: Any) -> Any:
    if not Recipient.objects.exists():
        recipient("ada")
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, "send_at": soon(hours=2)}
    return shop.post("notifications", {**body, **fields})


def edit(shop: Shop, posted: Any, status: int = 200, **fields: Any) -> Any:
    answer = shop.http.patch(f"/v1/notifications/{posted['id']}", fields, format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def said(posted: Any) -> list[str]:
    """The titles that the recipients' inboxes have of it."""
    items = InboxItem.objects.filter(notification_id=posted["id"])
    return [inbox.unseal(one.delivery_id, bytes(one.content)).title for one in items]


def test_it_goes_out_at_its_new_time_and_not_before(shop, work):
    posted = scheduled(shop)
    later = soon(hours=3)
    moved = edit(shop, posted, send_at=later)
    assert moved["state"] == "scheduled"
    assert datetime.fromisoformat(moved["send_at"]) == datetime.fromisoformat(later)
    assert Chunk.objects.get().ready_at == datetime.fromisoformat(later)
    assert edit(shop, posted, send_at=None)["state"] == "sending"
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_what_it_says_is_replaced_for_everybody(shop, work):
    topic = shop.topic()
    for name in ("ada", "bob"):
        subscribe(topic, recipient(name), "inbox")
    body = {"content": HELLO, "channels": ["inbox"], "send_at": soon(hours=1)}
    posted = shop.post("topics/news/publish", body)
    edit(shop, posted, content={"title": "Corrected"}, send_at=soon(hours=-1))
    work()
    assert said(posted) == ["Corrected"] * 2


def test_a_template_takes_the_place_of_content(shop, work):
    contents = [{"channel": "inbox", "locale": "en", "title": "Order {{ n }}", "body": "B"}]
    shop.post(
        "templates", {"name": "order", "default_locale": "en", "contents": contents}, status=201
    )
    posted = scheduled(shop)
    use = {"name": "order", "variables": {"n": 7}}
    assert edit(shop, posted, template=use)["template"] == {"name": "order", "version": 1}
    edit(shop, posted, send_at=None)
    work()
    assert said(posted) == ["Order 7"]
    other = scheduled(shop)
    assert "variables" in str(edit(shop, other, 400, template={"name": "order", "variables": {}}))


def test_its_fallback_keeps_its_distance(shop):
    fallback = {"channel": "sms", "after_seconds": 600}
    posted = scheduled(shop, fallback=fallback)
    later = soon(hours=5)
    edit(shop, posted, send_at=later)
    first, second = Chunk.objects.order_by("ready_at")
    assert first.ready_at == datetime.fromisoformat(later)
    assert second.ready_at - first.ready_at == timedelta(seconds=600)


def test_what_it_is_known_by_and_when_it_expires_can_be_changed(shop):
    posted = scheduled(shop, metadata={"a": "1"}, expires_at=soon(hours=4))
    changed = edit(shop, posted, reference="order-7", metadata={"b": "2"}, expires_at=None)
    assert (changed["reference"], changed["metadata"]) == ("order-7", {"b": "2"})
    assert changed["expires_at"] is None
    assert edit(shop, posted, metadata={})["metadata"] == {}


def test_one_edit_is_one_line_of_the_audit_trail_however_often_it_is_sent(shop, work):
    posted = scheduled(shop)
    later = soon(hours=3)
    for _ in range(2):
        edit(shop, posted, send_at=later, content={"title": "New"})
    event = AuditEvent.objects.get(action="update", object_type="notification")
    assert (event.object_name, event.actor_kind) == (posted["id"], "publisher")
    assert event.after["changed"] == ["content", "send_at"]
    assert datetime.fromisoformat(event.after["send_at"]) == datetime.fromisoformat(later)
    assert "New" not in str(event.after)
    edit(shop, posted, send_at=None)
    work()
    edit(shop, posted, send_at=None, content={"title": "New"})  # what it is already


def test_retention_goes_by_its_new_times(shop):
    shop.http.put("/v1/categories/security", {"kind": "critical"}, format="json")
    posted = scheduled(shop, category="security")
    row = Notification.objects.get(pk=posted["id"])
    due = RetentionDeferral.objects.filter(notification_id=row.pk)
    for what in notification_retention.What:  # as a walk leaves it that passes before its time
        due.create(notification_id=row.pk, what=what, due_at=row.send_at + timedelta(days=99))
    ahead = timezone.now() + timedelta(hours=5)
    edit(shop, posted, expires_at=ahead.isoformat())
    notification_retention.purge()
    assert due.get(what="content").due_at == ahead + notification_retention.AFTER_EXPIRY
    edit(shop, posted, send_at=None)
    notification_retention.purge()
    assert due.get(what="record").due_at == row.created_at + timedelta(days=settings.RECORD_DAYS)


def test_at_once_with_a_delay_is_the_same_time_however_often_it_is_said(shop):
    shop.topic(delay=3600)
    recipient("ada")
    body = {"content": HELLO, "channels": ["inbox"], "send_at": soon(hours=3)}
    posted = shop.post("topics/news/publish", body)
    moved = edit(shop, posted, send_at=None)["send_at"]
    assert moved < posted["send_at"]
    assert edit(shop, posted, send_at=None)["send_at"] == moved
    assert AuditEvent.objects.filter(object_type="notification").count() == 1


def test_once_it_is_begun_nothing_is_changed(shop, work):
    posted = scheduled(shop)
    edit(shop, posted, send_at=None)
    work()
    problem = edit(shop, posted, 409, content={"title": "Too late"})
    assert (problem["type"], "done" in problem["detail"]) == (CONFLICT, True)
    assert said(posted) == [HELLO["title"]]
    now = shop.post("notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO})
    assert edit(shop, now, 409, send_at=soon(hours=1))["type"] == CONFLICT
    stopped = scheduled(shop)
    shop.post(f"notifications/{stopped['id']}/cancel", None, status=200)
    assert "cancelled" in edit(shop, stopped, 409, send_at=soon(hours=1))["detail"]


def test_what_a_claim_has_taken_ahead_of_time_is_begun(shop):
    posted = scheduled(shop)
    Chunk.objects.all().delete()
    Delivery.objects.create(
        notification_id=posted["id"],
        claim_id=1,
        channel="inbox",
        priority="normal",
        created_at=timezone.now(),
        updated_at=timezone.now(),
    )
    assert edit(shop, posted, 409, send_at=soon(hours=1))["type"] == CONFLICT


def test_an_audience_that_is_being_cut_is_not_waited_for(shop):
    shop.topic()
    body = {"content": HELLO, "channels": ["inbox"], "send_at": soon(hours=1)}
    posted = shop.post("topics/news/publish", body)
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM delivery_chunk FOR UPDATE")
            assert edit(shop, posted, 409, send_at=soon(hours=2))["type"] == CONFLICT
    finally:
        other.rollback()
        other.close()
    edit(shop, posted, send_at=soon(hours=2))


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, ""),
        ({"send_at": "9999-01-01T00:00:00Z"}, "/send_at"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "/expires_at"),
        ({"content": {"title": "A"}, "template": {"name": "a", "variables": {}}}, "/content/title"),
        ({"content": {"title": ""}}, "/content"),
        ({"user_ids": ["bob"]}, "/user_ids"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(shop, fields, pointer):
    posted = scheduled(shop)
    problem = edit(shop, posted, 400, **fields)
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert Notification.objects.get(pk=posted["id"]).reference == ""


def test_its_new_time_is_before_it_expires(shop):
    posted = scheduled(shop, expires_at=soon(hours=3))
    assert edit(shop, posted, 400, send_at=soon(hours=4))["errors"][0]["pointer"] == "/send_at"
    edit(shop, posted, send_at=soon(hours=4), expires_at=soon(hours=5))


def test_local_times_cannot_be_moved_and_say_so(shop):
    recipient("ada")
    wall = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, "send_at_local": wall}
    posted = shop.post("notifications", body)
    assert edit(shop, posted, 400, send_at=soon(hours=1))["errors"][0]["pointer"] == "/send_at"
    edit(shop, posted, content={"title": "Corrected"})


@pytest.mark.parametrize(
    ("posted_as", "scope"),
    [
        ({"category": "security"}, Scope.NOTIFICATIONS_CRITICAL),
        ({"priority": "high"}, Scope.NOTIFICATIONS_HIGH),
    ],
)
def test_what_a_key_might_not_post_it_cannot_change(shop, posted_as, scope):
    shop.http.put("/v1/categories/security", {"kind": "critical"}, format="json")
    posted = scheduled(shop, **posted_as)
    _, key = services.create_key(shop.id, set(Scope) - {scope})
    modest = Shop(shop.id, APIClient())
    modest.http.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    shop.post("templates", CODE, status=201)
    for fields in (
        {"content": {"title": "Pay here"}},
        {"template": {"name": "code", "variables": {}}},
        {"send_at": None},
        {"expires_at": soon(hours=9)},
    ):
        assert edit(modest, posted, 403, **fields)["scope"] == scope
    edit(modest, posted, reference="order-7")
    edit(shop, posted, content={"title": "Corrected"})


def test_others_notifications_are_not_found(shop, other_shop):
    edit(other_shop, scheduled(shop), 404, send_at=None)
