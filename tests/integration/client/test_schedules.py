"""Schedules, with both clients."""

from datetime import UTC, datetime

import pytest

from notifier_client import REMOVE, Draft, NotFound, NotifierClient
from tests.integration.client.conftest import work


def test_a_schedule_is_made_changed_paused_skipped_and_run(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    made = client.create_schedule(
        "tips",
        rrule="FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0",
        time_zone="Europe/Vienna",
        starts_at_local="2030-03-18T00:00",
        user_ids=["ada"],
        channels=["inbox"],
        body="Water it.",
    )
    assert (made.state, made.misfire, made.cron) == ("active", "run_once", None)
    assert made.next_occurrences[0] == made.next_at == datetime(2030, 3, 18, 8, tzinfo=UTC)
    assert made.notification["content"] == {"body": "Water it."}
    changed = client.change_schedule("tips", cron="0 8 * * mon", count=5)
    assert (changed.rrule, changed.cron, changed.count) == (None, "0 8 * * mon", 5)
    draft = Draft(user_ids=["ada"], channels=["inbox"], body="Not too much.")
    changed = client.change_schedule("tips", count=REMOVE, notification=draft)
    assert (changed.count, changed.notification["content"]) == (None, {"body": "Not too much."})
    assert client.pause_schedule("tips").state == "paused"
    resumed = client.resume_schedule("tips")
    assert resumed.next_at is not None
    skipped = client.skip_occurrence("tips", resumed.next_at)
    assert skipped.next_at == resumed.next_occurrences[1]
    posted = client.run_schedule("tips", idempotency_key="by hand")
    assert client.run_schedule("tips", idempotency_key="by hand") == posted
    work()
    assert client.wait(posted, 5).counts == {"inbox": {"delivered": 1}}
    by_hand, skip = client.list_schedule_runs("tips")
    assert (by_hand.state, by_hand.notification_id, by_hand.occurrence) == (
        "accepted",
        posted,
        None,
    )
    assert (skip.state, skip.occurrence) == ("skipped", resumed.next_at)
    assert [one.name for one in client.list_schedules()] == ["tips"]
    client.delete_schedule("tips")
    with pytest.raises(NotFound):
        client.get_schedule("tips")


def test_a_schedule_on_recipients_own_clocks_has_times_without_a_zone(
    client: NotifierClient,
) -> None:
    client.upsert_recipient("ada")
    made = client.create_schedule(
        "tips",
        cron="0 9 * * *",
        time_zone="recipient",
        starts_at_local="2030-03-18T00:00",
        user_ids=["ada"],
        body="Water it.",
    )
    assert made.next_occurrences[0] == datetime(2030, 3, 18, 9)
    assert made.next_at == datetime(2030, 3, 17, 19, tzinfo=UTC)
    client.skip_occurrence("tips", made.next_occurrences[0])
    [skip] = client.list_schedule_runs("tips")
    assert skip.occurrence == datetime(2030, 3, 18, 9)
