"""Every page of the admin opens, masks addresses, and reads no table whole."""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.delivery.models import Attempt, Chunk, DeadLetter, Delivery, Notification, ReceiptEvent
from apps.inbox.models import InboxItem
from apps.preferences.models import Contact, Preference, Recipient, Suppression
from apps.publishers.models import AuditEvent
from apps.publishers.operators.narrowing import Narrowing
from apps.topics.models import Subscription
from tests.integration.delivery.conftest import Shop, recipient, subscribe

ADDRESS = "ada.lovelace@example.com"
#: Tables of millions, and what of a page's SQL would read one of them whole.
LARGE = [
    Attempt,
    AuditEvent,
    Chunk,
    Contact,
    DeadLetter,
    Delivery,
    InboxItem,
    Notification,
    Preference,
    ReceiptEvent,
    Recipient,
    Subscription,
    Suppression,
]
COUNTS = re.compile(r"COUNT\(\*\)|SELECT DISTINCT|OFFSET \d{6}")


@pytest.fixture
def rows(shop: Shop, work) -> None:
    """Something in every table that the line writes."""
    ada = recipient("ada", email=ADDRESS)
    topic = shop.topic("news")
    subscribe(topic, ada, "inbox")
    Preference.objects.create(recipient=ada, channel="sms", allowed=False)
    shop.post("topics/news/publish", {"content": {"title": "Hello", "body": "World"}})
    work()


def pages() -> Iterator[tuple[str, str]]:
    """Every list, with each of its filters in use: (name, query)."""
    for model, registered in admin.site._registry.items():
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield url, ""
        for narrowing in getattr(registered, "list_filter", ()):
            if isinstance(narrowing, type) and issubclass(narrowing, Narrowing):
                value = "1"
                if narrowing.parameter_name == "notification_id":
                    value = "01930000-0000-7000-8000-000000000000"
                yield url, f"?{narrowing.parameter_name}={value}"


def test_every_list_opens_with_every_filter_and_reads_no_large_table_whole(rows, operator: Client):
    large = {model._meta.db_table for model in LARGE}
    seen = set()
    for url, query in pages():
        with CaptureQueriesContext(connection) as asked:
            answer = operator.get(url + query)
        assert answer.status_code == 200, (url + query, answer.headers.get("Location"))
        assert ADDRESS not in answer.content.decode(), url
        for statement in (found["sql"] for found in asked):
            if any(f'FROM "{table}"' in statement for table in large):
                seen.add(statement)
    assert len(seen) > 40
    whole = re.compile(f"Seq Scan on ({'|'.join(large)})")
    with connection.cursor() as cursor:
        # Where an index can serve it, one is used.
        cursor.execute("SET enable_seqscan = off")
        for statement in sorted(seen):
            assert not COUNTS.search(statement), statement
            assert "LIMIT" in statement or "WHERE" in statement, statement
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert not whole.search(plan), f"{statement}\n{plan}"
        cursor.execute("RESET enable_seqscan")


def test_every_rows_page_opens_with_addresses_masked(rows, operator: Client):
    opened = 0
    for model in admin.site._registry:
        for row in model.objects.all()[:3]:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
            answer = operator.get(reverse(name, args=[row.pk]))
            assert answer.status_code == 200, (model, answer)
            assert ADDRESS not in answer.content.decode()
            opened += 1
    assert opened > 10


def test_the_start_page_shows_what_waits_and_every_provider(rows, operator: Client):
    page = operator.get("/admin/").content.decode()
    assert "deliveries wait" in page
    for word in ("inbox", "webhook", "Newest dead letters", "Pause"):
        assert word in page


def test_the_start_page_says_who_is_turned_away(operator: Client, settings):
    assert "is refused" not in operator.get("/admin/").content.decode()
    settings.OVERLOAD_BACKLOG = {"low": -1.0, "normal": 7200.0}
    assert "Low priority is refused: too much waits." in operator.get("/admin/").content.decode()


def test_an_onlooker_sees_pages_and_no_buttons(rows, onlooker: Client):
    assert "Pause" not in onlooker.get("/admin/").content.decode()
    notification = Notification.objects.get()
    url = reverse("admin:delivery_notification_change", args=[notification.pk])
    assert "Cancel what" not in onlooker.get(url).content.decode()
    onlooker.post(url.replace("change/", "do/cancel/"))
    notification.refresh_from_db()
    assert notification.cancelled_at is None
    assert onlooker.post("/admin/delivery/notification/provider/inbox/pause/").status_code == 403
    contact = Contact.objects.get(channel="email")
    url = reverse("admin:preferences_contact_do", args=[contact.pk, "reveal"])
    assert ADDRESS not in onlooker.post(url, follow=True).content.decode()
