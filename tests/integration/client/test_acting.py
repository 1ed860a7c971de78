"""Edits, replays and bulk actions of notifications, with both clients."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from apps.bulk import running as bulk
from apps.delivery.models import Delivery
from notifier_client import REMOVE, Conflict, NotifierClient
from tests.integration.client.conftest import work


def test_a_scheduled_notification_is_moved_and_corrected(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    later = datetime.now(UTC) + timedelta(hours=1)
    posted = client.notify_users(["ada"], body="At 10", channels=["inbox"], send_at=later)
    moved = client.edit_notification(
        posted.id, send_at=later + timedelta(hours=1), content={"body": "At 11"}, reference="7"
    )
    assert (moved.state, moved.send_at, moved.reference) == (
        "scheduled",
        later + timedelta(hours=1),
        "7",
    )
    client.edit_notification(posted.id, send_at=REMOVE)
    work()
    assert client.wait(posted.id, 5).counts == {"inbox": {"delivered": 1}}
    with pytest.raises(Conflict):
        client.edit_notification(posted.id, content={"body": "Too late"})


def test_what_did_not_arrive_is_sent_again(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    posted = client.notify_users(["ada"], body="Hi", channels=["inbox"])
    work()
    Delivery.objects.update(state="failed")
    again = client.replay(posted.id, states=["failed"], channels=["inbox"], idempotency_key="a")
    assert again.replay_of == posted.id
    work()
    assert client.wait(again.id, 5).counts == {"inbox": {"delivered": 1}}
    assert client.replay(posted.id, states=["failed"], channels=["inbox"], idempotency_key="a") == (
        replace(again, replayed=True)
    )
    with pytest.raises(Conflict):
        client.replay(posted.id)


def test_a_bulk_action_is_begun_followed_and_ended(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    later = datetime.now(UTC) + timedelta(hours=1)
    posted = client.notify_users(
        ["ada"], body="Hi", channels=["inbox"], send_at=later, reference="launch"
    )
    begun = client.begin_bulk_action("cancel", {"reference": "launch", "until": later})
    assert (begun.state, begun.total, begun.action) == ("waiting", None, "cancel")
    bulk.tick()
    done = client.get_bulk_action(begun.id)
    assert (done.state, done.total, done.done, done.counts["cancelled"]) == ("done", 1, 1, 1)
    assert client.get_notification(posted.id).state == "cancelled"
    other = client.begin_bulk_action("redrive", {})
    assert client.abort_bulk_action(other.id).state == "aborted"
    assert [one.id for one in client.list_bulk_actions()] == [other.id, begun.id]
    assert [one.id for one in client.list_bulk_actions(action="cancel")] == [begun.id]
