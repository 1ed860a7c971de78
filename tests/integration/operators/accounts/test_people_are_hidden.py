"""Operators without the permission to see people, as developers, find none in the admin."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from apps.bulk.models import BulkAction
from apps.delivery.models import Answer, Attempt, Delivery, Notification, ReceiptEvent
from apps.preferences.models import Contact, Recipient
from apps.schedules.models import Run, Schedule
from tests.integration.operators.test_pages import text
from tests.support.publishers import admin_actions
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop

USER_ID, NAME, ADDRESS = "countess-of-l", "Augusta", "lovelace@analytical.example"
DELIVERIES, DEAD_LETTERS, NOTIFICATIONS = (
    reverse(f"admin:delivery_{name}_changelist")
    for name in ("delivery", "deadletter", "notification")
)
#: Searches for a person who exists, and the same for one who does not.
SEARCHES = [
    (USER_ID, "nobody-at-all"),
    (f"person:{USER_ID}", "person:nobody-at-all"),
    (ADDRESS, "nobody@analytical.example"),
    (f"address:{ADDRESS}", "address:nobody@analytical.example"),
    (NAME, "Nobody"),
]


@pytest.fixture
def ada(shop: Shop, work, providers) -> Recipient:
    """A person in every row of the service that may name one."""
    person = recipient(USER_ID, email=ADDRESS, sms="+12025550100")
    put = shop.http.put(f"/v1/recipients/{USER_ID}", {"name": NAME}, format="json")
    assert put.status_code < 300, put.json()
    subscribe(shop.topic("news"), person, "inbox", "email", "sms")
    once = {"user_id": USER_ID, "channels": ["inbox"]}
    recurs = {"name": "weekly", "cron": "0 9 * * mon", "time_zone": "UTC"}
    shop.post("schedules", {**recurs, "notification": {**once, "content": HELLO}}, status=201)
    providers.client.behave("sendgrid", "401")
    shop.post("topics/news/publish", {"content": HELLO, "reference": "launch"})
    work()
    providers.client.heal()
    now = timezone.now()
    said = f"{USER_ID} <{ADDRESS}> is unknown"
    Attempt.objects.update(detail=said)
    for delivery in Delivery.objects.all():
        ReceiptEvent.objects.create(
            delivery_id=delivery.pk,
            provider="sendgrid",
            event="bounced",
            detail=said,
            at=now,
        )
    posted = Notification.objects.get()
    Answer.objects.create(
        notification_id=posted.pk,
        recipient_id=person.pk,
        source="api",
        read_at=now,
        acknowledged_at=now,
    )
    Run.objects.create(schedule=Schedule.objects.get(), state="failed", detail=said, at=now)
    assert Delivery.objects.filter(state="dead").count() == 1
    return person


@pytest.fixture
def developer(ada: Recipient) -> Client:
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    user = User.objects.create_user("dora", is_staff=True)
    user.groups.add(Group.objects.get(name="developer"))
    return logged_in(user)


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def pages(person: Recipient) -> Iterator[str]:
    """The start page, every list with its filters by a person, and the pages of every row."""
    posted = Notification.objects.get()
    yield "/admin/"
    for name in ("held", "lost_addresses"):
        yield reverse(f"admin:{name}")
    yield f"{reverse('admin:why')}?notification={posted.pk}"
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield f"{reverse(f'{name}_changelist')}?recipient_id={person.pk}"
        for row in model._default_manager.all()[:5]:
            yield reverse(f"{name}_change", args=[row.pk])
            yield reverse(f"{name}_history", args=[row.pk])


def traces(page: str) -> list[str]:
    masked = Contact.objects.values_list("masked", flat=True).exclude(channel="inbox")
    return [one for one in (USER_ID, NAME, ADDRESS, *masked) if one in page]


def test_no_page_of_the_admin_has_a_trace_of_a_person(developer: Client, operator: Client, ada):
    found, named = {}, set()
    for url in pages(ada):
        answer = developer.get(url, follow=True)
        assert answer.status_code in (200, 403), url
        if seen := traces(answer.content.decode()):
            found[url] = seen
        if answer.status_code == 200 and traces(operator.get(url, follow=True).content.decode()):
            named.add(re.sub(r"[0-9a-f-]{36}|\d+", "…", url))
    assert found == {}
    delivery = f"{DELIVERIES}…/change/"
    run = reverse("admin:schedules_schedule_changelist") + "…/change/"
    expected = {"/admin/", DELIVERIES, delivery, DEAD_LETTERS, f"{NOTIFICATIONS}…/change/", run}
    assert expected <= named, "others see them there"


def test_no_page_links_to_people(developer: Client, ada):
    people = ("/preferences/recipient/", "/preferences/contact/", "/topics/subscription/", "/why/")
    for url in pages(ada):
        answer = developer.get(url, follow=True)
        linked = re.findall(r'href="([^"]*)"', answer.content.decode())
        assert [one for one in linked if any(part in one for part in people)] == [], url


@pytest.mark.parametrize(("term", "other"), SEARCHES)
def test_a_search_for_a_person_finds_nothing_whether_there_is_one_or_not(
    developer: Client, ada, term: str, other: str
):
    searched = 0
    for model, one in admin.site._registry.items():
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        if not one.search_fields or developer.get(url).status_code != 200:
            continue
        asked, answers = [], []
        for words in (term, other):
            with CaptureQueriesContext(connection) as queries:
                answers.append(developer.get(url, {"q": words}))
            asked.append(len(queries))
            assert not answers[-1].context["cl"].result_count, (url, words)
        there, missing = (text(answer) for answer in answers)
        assert there.replace(term, "") == missing.replace(other, ""), url
        assert asked[0] == asked[1], f"how long it takes tells it: {url}"
        searched += 1
    assert searched > 3


def test_things_are_found_all_the_same(developer: Client, ada):
    [row] = Notification.objects.all()
    dead = Delivery.objects.get(state="dead")
    for url, term, key in (
        (NOTIFICATIONS, "launch", row.pk),
        (NOTIFICATIONS, str(row.pk), row.pk),
        (NOTIFICATIONS, "topic:news", row.pk),
        (DELIVERIES, dead.public_id, dead.pk),
    ):
        rows = developer.get(url, {"q": term}).context["cl"].result_list
        assert [one.pk for one in rows] == [key], term
    rows = developer.get(DELIVERIES, {"q": str(row.pk)}).context["cl"].result_list
    assert len(rows) == 3


def begin(client: Client, action: str, **query: Any) -> str:
    return admin_actions.begin(client, action, f"?{urlencode(query)}")


def test_the_button_above_a_list_acts_on_no_person_whom_the_list_does_not_show(
    developer: Client, ada
):
    soon = timezone.now() + timedelta(hours=1)
    Delivery.objects.update(state="retrying", next_attempt_at=soon)
    for key in (ada.pk, ada.pk + 1):
        assert "Nothing was begun" in begin(developer, "release", recipient_id=key)
    user = User.objects.create_user("carl", is_staff=True)
    rights = ("view_notification", "change_notification", "change_deadletter")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    canceller = logged_in(user)
    for term, other in SEARCHES:
        for words in (term, other):
            assert "Nothing was begun" in begin(canceller, "cancel", q=words), words
    assert not BulkAction.objects.exists()
    assert "It is begun" in begin(canceller, "cancel", q="reference:launch")
    assert BulkAction.objects.get().match == {"reference": "launch"}
