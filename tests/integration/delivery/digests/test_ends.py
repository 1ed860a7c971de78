"""What becomes of what a digest tells: retries, dead letters, crashes, receipts, and leaving."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from apps.delivery import state
from apps.delivery.models import Attempt, DeadLetter, Delivery, Notification, OpenDigest
from apps.delivery.operations.explain import explain
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import claiming, process
from apps.delivery.sending.capacity import Capacity
from apps.inbox.models import InboxItem
from apps.preferences.models import FrequencyCap, Preference
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from notifier.domain.states import DeliveryState
from tests.support.deliveries import workers
from tests.support.deliveries.digests import (
    HOUR,
    Mail,
    Push,
    close_digests,
    delivery,
    digests,
    post,
    state_and_reason,
    telling,
)
from tests.support.deliveries.quiet_hours import around_now, be_quiet
from tests.support.publishers.shop import delivery_of


@pytest.fixture(autouse=True)
def _ada(ada):
    return ada


def two(shop, work):
    posted = [post(shop, 1), post(shop, 2)]
    work()
    return posted


def test_what_is_told_waits_with_a_digest_that_is_retried(shop, work, wake):
    posted = two(shop, work)
    Push.answer = staticmethod(lambda message: Retry(Reason.PROVIDER_ERROR))
    close_digests()
    work()
    assert [state_and_reason(one) for one in posted] == [("retrying", "digest")] * 2
    Push.answer = staticmethod(lambda message: Accepted("id"))
    wake()
    work()
    assert [state_and_reason(one) for one in posted] == [("accepted", "")] * 2
    assert len(Push.taken) == 1
    assert shop.counts(posted[0]) == {"push": {"accepted": 1}}


def test_a_dead_digest_takes_what_it_tells_with_it_and_is_redriven_by_any_of_them(shop, work):
    posted = two(shop, work)
    Push.answer = staticmethod(lambda message: Refused(Reason.AUTHENTICATION))
    close_digests()
    work()
    assert [state_and_reason(one)[0] for one in posted] == ["dead"] * 2
    (letter,) = DeadLetter.objects.all()
    assert letter.delivery_id == telling(delivery(posted[0])).pk
    (listed,) = shop.get("dead-letters")["data"]
    assert listed["id"] == letter.delivery.public_id
    Push.answer = staticmethod(lambda message: Accepted("id"))
    ids = [delivery(one).public_id for one in posted]
    done = shop.post("dead-letters/redrive", {"ids": ids}, status=200)
    assert (done["redriven"], done["unknown"]) == (1, [])
    work()
    assert [state_and_reason(one) for one in posted] == [("accepted", "")] * 2
    assert shop.counts(posted[1]) == {"push": {"accepted": 1}}
    assert not DeadLetter.objects.exists()


def dead(shop, work):
    """Two that are told in one digest, which is a dead letter."""
    posted = two(shop, work)
    Push.answer = staticmethod(lambda message: Refused(Reason.AUTHENTICATION))
    close_digests()
    work()
    Push.answer = staticmethod(lambda message: Accepted("id"))
    return posted


def test_what_a_dead_digest_tells_is_redriven_with_it_and_not_replayed_beside_it(shop, work):
    posted = dead(shop, work)
    refused = shop.post(f"notifications/{posted[0]['id']}/replay", {}, status=409)
    assert "digest" in refused["detail"]
    ids = [delivery(posted[0]).public_id]
    assert shop.post("dead-letters/redrive", {"ids": ids}, status=200)["redriven"] == 1
    work()
    assert len(Push.taken) == 1


def test_what_a_digest_without_a_dead_letter_told_nobody_is_replayed(shop, work):
    posted = dead(shop, work)
    DeadLetter.objects.all().delete()
    shop.post(f"notifications/{posted[0]['id']}/replay", {})
    work()
    assert [message.content.title for message in Push.taken] == ["Comment 1"]


def delete_content(*posted):
    """Delete the contents of notifications, as retention does."""
    ids = [one["id"] for one in posted]
    assert Notification.objects.filter(pk__in=ids).update(content=b"") == len(ids)


def test_a_dead_digest_of_which_all_content_is_gone_is_not_redriven(shop, work):
    posted = dead(shop, work)
    delete_content(*posted)
    ids = [delivery(posted[0]).public_id]
    refused = shop.post("dead-letters/redrive", {"ids": ids}, status=410)
    assert refused["type"] == "/problems/content-gone"
    matched = shop.post("dead-letters/redrive", {"match": {}}, status=200)
    assert (matched["redriven"], matched["gone"]) == (0, 1)
    assert [state_and_reason(one)[0] for one in posted] == ["dead"] * 2


def test_a_redriven_digest_tells_what_is_left_of_its_content(shop, work):
    posted = dead(shop, work)
    delete_content(posted[0])
    ids = [delivery(posted[0]).public_id]
    assert shop.post("dead-letters/redrive", {"ids": ids}, status=200)["redriven"] == 1
    work()
    assert state_and_reason(posted[1]) == ("accepted", "")
    (message,) = Push.taken
    assert "2" in message.content.title and "Text 2" in message.content.body


def test_a_digest_whose_content_goes_on_its_way_fails_at_once_and_says_why(shop, work):
    posted = dead(shop, work)
    ids = [delivery(posted[0]).public_id]
    assert shop.post("dead-letters/redrive", {"ids": ids}, status=200)["redriven"] == 1
    delete_content(*posted)
    work()
    told = telling(delivery(posted[0]))
    assert told.state == "failed"
    assert (
        "its retention is over"
        in Attempt.objects.filter(delivery_id=told.pk).latest("number").detail
    )


def test_a_worker_that_dies_with_a_digest_orphans_nothing(shop, work):
    posted = two(shop, work)
    close_digests()
    assert claiming.claim(Queue("push", "normal"), Capacity(1000)).claim is not None
    assert [state_and_reason(one)[0] for one in posted] == ["sending"] * 2
    workers.lose_claims()
    assert [state_and_reason(one) for one in posted] == [("retrying", "digest")] * 2
    assert telling(delivery(posted[0])).reason == "worker_lost"
    work()
    assert [state_and_reason(one) for one in posted] == [("accepted", "")] * 2
    assert len(Push.taken) == 1
    assert shop.counts(posted[0]) == {"push": {"accepted": 1}}


def test_what_joins_while_a_digest_is_sent_opens_the_next_one(shop, work):
    two(shop, work)
    close_digests()
    claim = claiming.claim(Queue("push", "normal"), Capacity(1000)).claim
    late = post(shop, 3)
    process.worker().send(claim)
    work()
    assert len(Push.taken) == 1
    assert state_and_reason(late) == ("retrying", "digest")
    assert len(digests()) == 2 and OpenDigest.objects.count() == 1


def test_what_was_read_refused_or_has_expired_leaves_the_digest(shop, work, ada):
    read = post(shop, 1, channels=["push", "inbox"])
    expired = post(shop, 2, expires_at=(datetime.now(UTC) + timedelta(hours=3)).isoformat())
    refused = post(shop, 3)
    other = post(shop, 4)
    work()
    assert state_and_reason(expired) == ("retrying", "digest")
    InboxItem.objects.update(read_at=datetime.now(UTC))
    Notification.objects.filter(pk=expired["id"]).update(expires_at=datetime.now(UTC))
    Notification.objects.filter(pk=refused["id"]).update(category="refused")
    Preference.objects.create(recipient=ada, category="refused", channel="", allowed=False)
    close_digests()
    work()
    assert state_and_reason(read) == ("suppressed", "read")
    assert state_and_reason(expired)[0] == "expired"
    assert state_and_reason(refused) == ("suppressed", "preference")
    assert state_and_reason(other) == ("accepted", "")
    (message,) = Push.taken
    assert message.content.title == "Comment 4"


def test_what_expires_before_the_digest_closes_is_sent_at_once(shop, work):
    posted = post(shop, expires_at=(datetime.now(UTC) + timedelta(minutes=5)).isoformat())
    work()
    assert state_and_reason(posted) == ("accepted", "")


def test_what_expires_before_an_open_digest_closes_is_sent_at_once(shop, work):
    waits = post(shop, 1)
    work()
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    posted = post(shop, 2, digest={**HOUR, "window": 60}, expires_at=soon)
    later = post(shop, 3, digest={**HOUR, "window": 60})
    work()
    assert state_and_reason(posted) == ("accepted", "")
    assert [state_and_reason(one) for one in (waits, later)] == [("retrying", "digest")] * 2
    assert delivery(later).told_in == delivery(waits).told_in
    assert OpenDigest.objects.get().items == 2


def test_a_digest_waits_for_the_end_of_quiet_hours_and_more_joins_meanwhile(shop, work):
    be_quiet("ada", around_now())
    first = post(shop, 1)
    work()
    assert state_and_reason(first) == ("retrying", "digest")
    close_digests()
    work()
    assert Push.taken == [] and telling(delivery(first)).reason == "quiet_hours"
    second = post(shop, 2)
    work()
    be_quiet("ada", None)
    Delivery.objects.filter(reason="quiet_hours").update(next_attempt_at="2020-01-01T00:00:00Z")
    work()
    assert len(Push.taken) == 1
    assert [state_and_reason(one) for one in (first, second)] == [("accepted", "")] * 2


def cap_of_one(shop):
    body = {"frequency_caps": [{"channel": "push", "limit": 1, "per": "day"}]}
    assert shop.http.put("/v1/recipients/ada", body, format="json").status_code == 200


def test_a_digest_counts_once_for_frequency_caps_and_stays_open_over_one(shop, work, ada):
    cap_of_one(shop)
    posted = two(shop, work)
    close_digests()
    work()
    assert [state_and_reason(one) for one in posted] == [("accepted", "")] * 2
    over = two(shop, work)
    close_digests()
    work()
    assert [state_and_reason(one) for one in over] == [("retrying", "digest")] * 2
    digest = telling(delivery(over[0]))
    assert timedelta(minutes=59) < digest.next_attempt_at - datetime.now(UTC) < timedelta(hours=1)
    shown = shop.get(f"notifications/{digest.notification_id}/deliveries")["data"][0]
    assert "at most 1 notification on push within any day" in shown["reason_text"]
    over += two(shop, work)
    FrequencyCap.objects.all().delete()
    close_digests()
    work()
    assert Push.taken[1].content.title == "Other messages: 4 new"
    assert [state_and_reason(one) for one in over] == [("accepted", "")] * 4


def test_a_digest_that_caps_never_let_through_is_suppressed_with_what_it_tells(shop, work, ada):
    cap_of_one(shop)
    two(shop, work)
    close_digests()
    work()
    posted = two(shop, work)
    opened = datetime.now(UTC) - timedelta(days=14)
    Notification.objects.filter(kind="digest").update(created_at=opened)
    close_digests()
    work()
    assert [state_and_reason(one) for one in posted] == [("suppressed", "frequency_cap")] * 2
    assert not OpenDigest.objects.exists()


def test_a_digest_with_nothing_left_uses_up_no_cap(shop, work, ada):
    cap_of_one(shop)
    for one in two(shop, work):
        shop.post(f"notifications/{one['id']}/cancel", {}, status=200)
    close_digests()
    work()
    posted = two(shop, work)
    close_digests()
    work()
    assert [state_and_reason(one) for one in posted] == [("accepted", "")] * 2


def test_a_receipt_of_the_digest_moves_what_it_told(shop, work):
    posted = two(shop, work)
    close_digests()
    work()
    pk = telling(delivery(posted[0])).pk
    with transaction.atomic():
        statuses = state.lock_statuses([pk])
        state.apply_receipts([(statuses[pk], DeliveryState.DELIVERED, "")])
    assert [state_and_reason(one)[0] for one in posted] == ["delivered"] * 2
    assert shop.counts(posted[0]) == {"push": {"delivered": 1}}


def test_the_api_and_the_explanation_say_in_which_delivery_it_is_told(shop, work, ada):
    posted = two(shop, work)[0]
    row = delivery_of(shop, posted)
    told_in = telling(delivery(posted))
    assert row["told_in"] == told_in.public_id
    assert row["next_attempt_at"] is not None and told_in.public_id in row["reason_text"]
    assert shop.get(f"notifications/{posted['id']}")["digest"] == HOUR
    said = explain(ada, Notification.objects.get(pk=posted["id"]))
    assert f"It is to be told in {told_in.public_id}" in str(said)
    close_digests()
    work()
    said = explain(ada, Notification.objects.get(pk=posted["id"]))
    assert f"It was told in {told_in.public_id}" in str(said) and said.verdict != "no"
    digest = shop.get(f"notifications/{told_in.notification_id}")
    assert digest["counts"] == {"push": {"accepted": 1}}
    listed = shop.get("notifications")["data"]
    assert digest["id"] not in {one["id"] for one in listed}


def test_a_dry_run_says_what_would_wait_for_a_digest(shop, work):
    whole = {"user_id": "ada", "content": {"title": "x"}, "channels": ["push"], "digest": HOUR}
    answer = shop.post("notifications/dry-run", whole, status=200)
    assert answer["channels"]["push"]["later"] == {"digest": 1}
    assert answer["channels"]["push"]["now"] == 0
    assert not Delivery.objects.exists()


CONTENTS = [
    {"channel": "email", "locale": "en", "title": "{{ count }} comments on {{ digest.key }}",
     "body": "{% for item in items %}{{ item.title }};{% endfor %}"},
]  # fmt: skip


def test_a_template_tells_it(shop, work):
    body = {"name": "comments", "default_locale": "en", "contents": CONTENTS}
    shop.post("templates", body, status=201)
    digest = {"key": "post-7", "window": 60, "template": "comments"}
    for number in (1, 2, 3):
        post(shop, number, channels=["email", "push"], digest=digest)
    work()
    close_digests()
    work()
    (mail,), (push,) = Mail.taken, Push.taken
    assert mail.content.title == "3 comments on post-7"
    assert mail.content.body == "Comment 1;Comment 2;Comment 3;"
    assert push.content.title == "Other messages: 3 new"  # it has no text for this channel


def test_a_long_item_is_not_cut_inside_of_a_link(shop, work):
    """Links are marks until the message is made for its recipient."""
    text = {"channel": "push", "locale": "en", "title": "Hi"}
    contents = [{**text, "body": "x" * 120 + " {{ links.unsubscribe }} " + "y" * 90}]
    body = {"name": "long", "default_locale": "en", "contents": contents}
    shop.post("templates", body, status=201)
    posted = {"user_id": "ada", "channels": ["push"], "template": {"name": "long"}}
    for _ in "12":
        shop.post("notifications", {**posted, "digest": HOUR})
    work()
    close_digests()
    work()
    (message,) = Push.taken
    assert "links.invalid" not in message.content.body
    assert message.content.body.splitlines() == [f"• Hi: {'x' * 120} …"] * 2


def test_a_mail_that_tells_can_be_left(shop, work):
    for number in (1, 2):
        post(shop, number, channels=["email"])
    work()
    close_digests()
    work()
    (mail,) = Mail.taken
    assert mail.links is not None and mail.links.unsubscribe
