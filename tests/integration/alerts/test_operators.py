"""Operators see alerts on the start page, and silence one for a time."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.alerts.messages import notices
from apps.alerts.models import Alert, Silence
from apps.core import clock
from tests.support.publishers.admin_actions import events


@pytest.fixture
def alert(transactional_db) -> Alert:
    now = clock.moment()
    return Alert.objects.create(name="NotifierHighBacklog", about="sms", since=now, began_at=now)


def start_page(client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def silence(client, until):
    fields = {
        "name": "NotifierHighBacklog",
        "until_0": f"{until:%Y-%m-%d}",
        "until_1": f"{until:%H:%M:%S}",
        "reason": "The carrier is moving.",
    }
    return client.post(reverse("admin:alerts_silence_add"), fields, follow=True)


def test_the_start_page_has_what_fires_and_nothing_else(operator, alert):
    Alert.objects.create(name="NotifierBacklog", about="not for long enough", since=alert.since)
    page = start_page(operator)
    assert "Urgent deliveries wait on sms" in page
    assert "not for long enough" not in page
    alert.ended_at = clock.moment()
    alert.save()
    assert "Urgent deliveries wait on sms" not in start_page(operator)


def test_an_alert_of_another_version_is_shown_for_a_day(operator, alert, evaluate, passes):
    Alert.objects.filter(pk=alert.pk).update(name="NotifierOfTomorrow")
    evaluate()
    assert "NotifierOfTomorrow sms" in start_page(operator)
    passes(25 * 3600)
    evaluate()
    assert not Alert.objects.filter(name="NotifierOfTomorrow").exists()


def test_an_operator_silences_an_alert_which_is_recorded(operator, alert):
    until = clock.moment() + timedelta(hours=3)
    assert silence(operator, until).status_code == 200
    assert Silence.objects.get().reason == "The carrier is moving."
    assert events("silence") == [("operator", "create", "NotifierHighBacklog")]
    assert f"{until:%H:%M}" in start_page(operator)


def test_who_may_not_change_it_silences_nothing(onlooker, alert):
    assert "Urgent deliveries wait on sms" in start_page(onlooker)
    assert silence(onlooker, clock.moment()).status_code == 403
    assert not Silence.objects.exists()


def test_the_list_of_alerts_is_the_page_that_messages_name(operator, alert, settings):
    settings.PUBLIC_URL = "https://notifier.example.com/"
    path = reverse("admin:alerts_alert_changelist")
    assert notices.page() == f"https://notifier.example.com{path}"
    assert "Urgent deliveries wait on sms" in operator.get(path).content.decode()
