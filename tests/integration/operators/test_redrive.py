"""Dead letters are redriven: selected ones, all that match, and one from its page."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.api import pagination
from apps.bulk import running
from apps.bulk.models import BulkAction
from apps.delivery.models import DeadLetter, Delivery
from apps.publishers.models import AuditEvent, Publisher
from tests.support.database import locks_of
from tests.support.publishers.admin_actions import NEWS, begin, do, events
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop


@pytest.fixture
def dead(shop: Shop, work, providers) -> list[Delivery]:
    """Three dead letters, since Twilio refuses our credentials; then it takes them again."""
    providers.client.behave("twilio", "401")
    for number in range(3):
        recipient(f"person-{number}", sms=f"+1202555010{number}")
    people = [f"person-{number}" for number in range(3)]
    shop.post("notifications", {"user_ids": people, "channels": ["sms"], **NEWS})
    work()
    providers.client.heal()
    found = list(Delivery.objects.filter(state="dead").order_by("id"))
    assert len(found) == 3
    return found


def states() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))


def test_selected_dead_letters_are_redriven(dead, shop: Shop, operator: Client, wake, work):
    url = reverse("admin:delivery_deadletter_changelist")
    body = {"action": "redrive", "index": "0", "_selected_action": [dead[0].pk, dead[1].pk]}
    page = operator.post(url, body, follow=True).content.decode()
    assert "Redriven: 2." in page
    wake()
    work()
    assert states() == ["accepted", "accepted", "dead"]
    [event] = AuditEvent.objects.filter(action="redrive")
    assert sorted(event.after["names"]) == sorted(str(row.pk) for row in dead[:2])
    assert event.publisher_id == shop.id, "its trail has it"


def redrive(operator: Client, query: str = "") -> str:
    """Push the button above the list under these filters, and work it off; the page it leads to."""
    page = begin(operator, "redrive", query)
    running.tick()
    return page


def test_all_that_match_are_redriven_and_no_others(dead, operator: Client, onlooker: Client):
    url = reverse("admin:begin_bulk_action", args=["redrive"])
    assert onlooker.post(url).status_code == 403
    assert operator.get(url).status_code == 405
    for wrong in ("reason=timeout", "publisher_id=999999", "topic_id=999999"):
        redrive(operator, f"?{wrong}")
    for wrong in ("publisher_id=x", "channel=sms&state=dead", "reason=%00"):
        assert "Nothing was begun" in redrive(operator, f"?{wrong}")
    assert states() == ["dead"] * 3
    query = f"?reason=authentication&channel=sms&publisher_id={Publisher.objects.get().pk}"
    listed = operator.get(reverse("admin:delivery_deadletter_changelist") + query)
    assert "Redrive all that match" in listed.content.decode()
    assert "It is begun" in redrive(operator, query)
    assert states() == ["retrying"] * 3
    event = AuditEvent.objects.filter(action="redrive").latest("id")
    row = BulkAction.objects.latest("id")
    assert (row.done, row.total, row.asked_by) == (3, 3, "operator")
    assert event.actor == "operator"
    assert event.after == {
        "rows": 3,
        "match": {"reason": "authentication", "channel": "sms"},
        "bulk_action": str(row.pk),
    }


def test_the_few_that_match_among_many_are_redriven(dead, operator: Client, monkeypatch):
    monkeypatch.setattr(pagination, "MOST_EXAMINED", 1)
    DeadLetter.objects.filter(pk=dead[2].pk).update(reason="timeout")
    redrive(operator, "?reason=timeout")
    assert states() == ["dead", "dead", "retrying"]


def test_a_topic_of_the_same_name_is_another_one(
    dead, shop: Shop, other_shop: Shop, operator: Client
):
    gone = shop.topic(deleted_at="2026-01-01T00:00:00Z")
    theirs = other_shop.topic()
    assert gone.name == theirs.name
    DeadLetter.objects.update(topic=gone)
    DeadLetter.objects.filter(pk=dead[1].pk).update(topic=theirs, publisher=other_shop.id)
    redrive(operator, f"?topic_id={theirs.pk}")
    assert states() == ["dead", "retrying", "dead"]
    event = AuditEvent.objects.get(action="redrive")
    assert (event.publisher_id, event.after["rows"]) == (other_shop.id, 1)
    assert event.after["match"] == {"topic_id": theirs.pk}


def test_one_dead_letter_is_redriven_from_its_page(dead, operator: Client):
    page = reverse("admin:delivery_delivery_change", args=[dead[2].pk])
    assert "because the provider refused our credentials" in operator.get(page).content.decode()
    do(operator, "redrive", dead[2])
    assert states() == ["dead", "dead", "retrying"]
    assert "Redrive" not in operator.get(page).content.decode()
    assert events("delivery") == [("operator", "redrive", str(dead[2].pk))]


def test_a_dead_letter_that_is_locked_is_said_to_be_busy(dead, operator: Client):
    listed = reverse("admin:delivery_deadletter_changelist")
    selected = {"action": "redrive", "index": "0", "_selected_action": [row.pk for row in dead]}
    page = reverse("admin:delivery_delivery_change", args=[dead[2].pk])
    with locks_of("SELECT FROM delivery_delivery WHERE id = %s FOR UPDATE", dead[2].pk):
        answer = operator.post(listed, selected, follow=True).content.decode()
        assert "Redriven: 2." in answer and "Not redriven: 1, which something else" in answer
        do(operator, "redrive", dead[2])
        answer = operator.get(page).content.decode()
        assert "redrive it again" in answer and "It is tried again now" not in answer
    assert states() == ["retrying", "retrying", "dead"]
