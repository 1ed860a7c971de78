"""Schedules in the admin: what they mean, what became of them, and buttons."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.delivery.models import Notification
from apps.preferences.models import Recipient
from apps.schedules.models import Run, Schedule
from tests.support.publishers.admin_actions import do, events
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop


@pytest.fixture
def daily(shop: Shop) -> Schedule:
    recipient("ada")
    notification = {"user_id": "ada", "channels": ["inbox"], "content": {"body": "Secret words"}}
    body = {"name": "daily", "cron": "0 9 * * *", "time_zone": "Europe/Vienna",
            "starts_at_local": "2030-03-29T00:00", "notification": notification}  # fmt: skip
    shop.post("schedules", body, status=201)
    return Schedule.objects.get()


def page(client: Client, row: Schedule) -> str:
    url = reverse("admin:schedules_schedule_change", args=[row.pk])
    return client.get(url).content.decode()


def test_the_list_and_the_page_show_what_a_schedule_does(daily, operator: Client):
    listed = operator.get(reverse("admin:schedules_schedule_changelist")).content.decode()
    assert "daily" in listed and "0 9 * * *" in listed and "active" in listed
    found = operator.get(reverse("admin:schedules_schedule_changelist"), {"q": "daily"})
    assert "0 9 * * *" in found.content.decode()
    shown = page(operator, daily)
    for occurrence in (
        *("30 Mar 2030 08:00:00 UTC", "2030-03-30T09:00"),
        *("31 Mar 2030 07:00:00 UTC", "2030-03-31T09:00"),
    ):
        assert occurrence in shown
    assert "Secret words" not in shown
    assert "recipients that it names" in shown


def test_one_on_recipients_own_clocks_shows_times_on_the_wall(daily, operator: Client, shop):
    body = {"time_zone": "recipient"}
    shop.http.patch("/v1/schedules/daily", body, format="json")
    shown = page(operator, daily)
    assert "on each recipient&#x27;s own clocks" in shown
    assert "28 Mar 2030 19:00:00 UTC" in shown and "2030-03-29T09:00 for each recipient" in shown
    do(operator, "skip", daily)
    assert "2030-03-29T09:00" in page(operator, daily)
    assert Run.objects.get().local == "2030-03-29T09:00"


def test_buttons_pause_resume_skip_and_run(daily, operator: Client):
    do(operator, "skip", daily)
    daily.refresh_from_db()
    assert daily.next_at.isoformat() == "2030-03-30T08:00:00+00:00"
    do(operator, "pause", daily)
    daily.refresh_from_db()
    assert daily.paused_at and daily.due_at is None
    assert "Resume" in page(operator, daily) and "Next occurrences, once resumed" in page(
        operator, daily
    )
    do(operator, "resume", daily)
    daily.refresh_from_db()
    assert daily.paused_at is None and daily.next_at.isoformat() == "2030-03-30T08:00:00+00:00"
    answer = do(operator, "run", daily)
    posted = Notification.objects.get()
    assert answer["Location"] == reverse("admin:delivery_notification_change", args=[posted.pk])
    assert str(posted.pk) in page(operator, daily)
    assert [action for _, action, _ in events("schedule")] == [
        *("create", "skip", "pause", "resume", "run")
    ]
    assert set(Run.objects.values_list("state", flat=True)) == {"skipped", "accepted"}


def test_a_run_that_is_refused_says_why(daily, operator: Client):
    Recipient.objects.all().delete()
    do(operator, "run", daily)
    assert "It was refused: Unknown recipients" in page(operator, daily)
    assert not Run.objects.exists()


def test_who_may_only_look_changes_nothing(daily, onlooker: Client):
    assert "daily" in page(onlooker, daily)
    for verb in ("pause", "skip", "run"):
        do(onlooker, verb, daily)
    daily.refresh_from_db()
    assert daily.paused_at is None and not Run.objects.exists()
