"""Dead letters: listed, shown and redriven."""

from importlib import import_module
from uuid import UUID

import pytest

from apps.api import pagination
from apps.core.delivery_ids import number_of, public_id
from apps.delivery import tasks
from apps.delivery.models import DeadLetter, Delivery
from apps.delivery.operations import dead_letters
from apps.preferences.models import Contact, Suppression
from apps.publishers.models import AuditEvent
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from tests.support.database import locks_of
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient, subscribe

HELLO = {"body": "Hello"}


@pytest.fixture
def provider(settings, monkeypatch):
    """A scripted provider of the inbox, which refuses our credentials."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {"inbox": {"class": path, "channel": "inbox"}}
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "inbox": (1.0,)}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(Scripted, "calls", [])
    monkeypatch.setattr(Scripted, "answer", staticmethod(refuse))
    return Scripted


def refuse(message):
    return Refused(Reason.AUTHENTICATION, 401)


def accept(message):
    return Accepted(delivered=True)


@pytest.fixture
def heal(monkeypatch):
    return lambda: monkeypatch.setattr(Scripted, "answer", staticmethod(accept))


@pytest.fixture
def again(work):
    """Run the sweeper and then workers."""

    def run():
        tasks.sweep.apply(throw=True)
        work()

    return run


def notify(shop, *user_ids, **fields):
    for user_id in user_ids:
        recipient(user_id)
    body = {"user_ids": user_ids, "channels": ["inbox"], "content": HELLO, **fields}
    return shop.post("notifications", body)


def letters(shop, **query):
    return shop.get("dead-letters", **query)["data"]


def redrive(shop, **body):
    answer = shop.post("dead-letters/redrive", body, status=200)
    assert answer["more"] is bool(answer["next"])
    return {name: answer[name] for name in answer if name != "next"}


def test_a_delivery_that_dies_is_a_dead_letter_until_it_is_redriven(
    shop, work, again, provider, heal
):
    posted = notify(shop, "ada")
    work()
    [letter] = letters(shop)
    assert letter["notification_id"] == posted["id"]
    assert (letter["user_id"], letter["channel"], letter["provider"], letter["reason"]) == (
        "ada",
        "inbox",
        "inbox",
        "authentication",
    )
    assert letter["topic"] is None and letter["died_at"]
    heal()
    assert redrive(shop, ids=[letter["id"]]) == {
        "redriven": 1,
        "unknown": [],
        "busy": [],
        "gone": 0,
        "more": False,
    }
    assert letters(shop) == []
    assert shop.counts(posted) == {"inbox": {"retrying": 1}}
    again()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_a_dead_letter_shows_every_attempt_and_they_go_on_being_counted(
    shop, work, again, wake, provider, monkeypatch
):
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda m: Retry(Reason.PROVIDER_ERROR)))
    posted = notify(shop, "ada")
    work()
    wake()
    work()
    [letter] = letters(shop)
    shown = shop.get(f"dead-letters/{letter['id']}")
    assert [attempt["number"] for attempt in shown["attempts"]] == [1, 2]
    assert (shown["state"], shown["notification_id"]) == ("dead", posted["id"])
    redrive(shop, ids=[letter["id"]])
    again()
    assert shop.counts(posted) == {"inbox": {"retrying": 1}}, "the schedule starts anew"
    wake()
    work()
    [letter] = letters(shop)
    shown = shop.get(f"dead-letters/{letter['id']}")
    assert [attempt["number"] for attempt in shown["attempts"]] == [1, 2, 3, 4]


def test_what_matches_is_redriven_and_the_rest_stays(shop, work, provider):
    for name in ("news", "sport"):
        topic = shop.topic(name)
        subscribe(topic, recipient(f"fan-of-{name}"), "inbox")
        shop.post(f"topics/{name}/publish", {"content": HELLO})
    work()
    assert [row["topic"] for row in letters(shop)] == ["sport", "news"]
    assert [row["topic"] for row in letters(shop, topic="news")] == ["news"]
    assert letters(shop, reason="timeout") == letters(shop, channel="sms") == []
    assert redrive(shop, match={"topic": "news", "reason": "timeout"})["redriven"] == 0
    assert redrive(shop, match={"died_before": "2020-01-01T00:00:00Z"})["redriven"] == 0
    match = {"topic": "news", "provider": "inbox", "died_after": "2020-01-01T00:00:00Z"}
    done = redrive(shop, match=match)
    assert done == {"redriven": 1, "unknown": [], "busy": [], "gone": 0, "more": False}
    assert [row["topic"] for row in letters(shop)] == ["sport"]
    event = AuditEvent.objects.get(action="redrive", object_type="dead_letter")
    assert event.after == {
        "match": {**match, "died_after": "2020-01-01 00:00:00+00:00"},
        "redriven": 1,
    }


def test_a_call_redrives_so_many_and_says_that_more_are_left(shop, work, provider, monkeypatch):
    notify(shop, "ada", "bob", "eve")
    work()
    monkeypatch.setattr(dead_letters, "AT_ONCE", 2)
    done = [redrive(shop, match={}) for _ in range(2)]
    assert [(one["redriven"], one["more"]) for one in done] == [(2, True), (1, False)]


def test_the_few_that_match_are_looked_for_a_part_at_a_time(shop, work, provider, monkeypatch):
    notify(shop, "ada", "bob", "eve", "joe", "zoe")
    work()
    oldest, newest = DeadLetter.objects.earliest("pk"), DeadLetter.objects.latest("pk")
    DeadLetter.objects.filter(pk__in=[oldest.pk, newest.pk]).update(reason="timeout")
    monkeypatch.setattr(pagination, "MOST_EXAMINED", 2)
    found, pages, query = [], 0, {"reason": "timeout"}
    while query:
        page = shop.get("dead-letters", **query)
        found += [row["id"] for row in page["data"]]
        pages += 1
        query = {"reason": "timeout", "cursor": page["next"]} if page["next"] else {}
    assert found == [public_id(newest.pk), public_id(oldest.pk)] and pages == 3
    body, done = {"match": {"reason": "timeout"}}, []
    while True:
        answer = shop.post("dead-letters/redrive", body, status=200)
        done.append(answer["redriven"])
        if not answer["more"]:
            break
        body["cursor"] = answer["next"]
    assert done == [1, 0, 1]
    assert len(letters(shop)) == 3


def test_confirmations_and_status_messages_are_no_dead_letters_of_the_publishers(
    shop, work, provider, execute
):
    notify(shop, "ada", "bob")
    asked = notify(shop, "eve")
    execute("UPDATE delivery_notification SET kind = 'status' WHERE id = %s", asked["id"])
    work()
    hidden = DeadLetter.objects.get(kind="status")
    assert hidden.delivery.notification_id == UUID(asked["id"])
    assert len(letters(shop)) == 2
    shop.get(f"dead-letters/{public_id(hidden.pk)}", status=404)
    assert redrive(shop, ids=[public_id(hidden.pk)])["redriven"] == 0
    assert redrive(shop, match={})["redriven"] == 2
    assert [row.pk for row in DeadLetter.objects.all()] == [hidden.pk]
    assert dead_letters.redrive(None, dead_letters.Match()).redriven == 1, "operators do"


def test_pages_of_dead_letters_are_newest_first(shop, work, provider):
    notify(shop, "ada", "bob", "eve")
    work()
    page = shop.get("dead-letters", limit=2)
    rest = shop.get("dead-letters", limit=2, cursor=page["next"])
    ids = [row["id"] for row in page["data"] + rest["data"]]
    keys = [number_of(one) for one in ids]
    assert len(ids) == 3 and keys == sorted(keys, reverse=True) and rest["next"] is None


def test_another_publishers_dead_letter_is_not_there(shop, other_shop, work, provider):
    notify(shop, "ada")
    work()
    [letter] = letters(shop)
    assert letters(other_shop) == []
    other_shop.get(f"dead-letters/{letter['id']}", status=404)
    assert redrive(other_shop, ids=[letter["id"]])["unknown"] == [letter["id"]]
    assert redrive(other_shop, match={})["redriven"] == 0
    assert letters(shop) == [letter]


def test_what_is_no_dead_letter_is_not_found(shop):
    for name in ["dlv_1", "dlv_999999999999999999", "dlv_" + "9" * 30, "x", "%00"]:
        shop.get(f"dead-letters/{name}", status=404)


def test_ids_that_are_none_are_listed(shop, work, provider):
    notify(shop, "ada")
    work()
    [letter] = letters(shop)
    unknown = ["nonsense", "dlv_0", "dlv_" + "9" * 30, letter["id"].replace("dlv_", "dlv_0")]
    answer = redrive(shop, ids=[*unknown, letter["id"]])
    assert answer == {"redriven": 1, "unknown": unknown, "busy": [], "gone": 0, "more": False}
    assert redrive(shop, ids=[letter["id"]])["unknown"] == [letter["id"]]


def test_a_dead_letter_that_is_locked_is_busy_and_not_unknown(shop, work, provider):
    notify(shop, "ada", "bob")
    work()
    newest, oldest = (letter["id"] for letter in letters(shop))
    lock = "SELECT FROM delivery_delivery WHERE id = %s FOR UPDATE"
    with locks_of(lock, number_of(newest)):
        done = redrive(shop, ids=[newest, oldest, "dlv_0"])
        assert (done["redriven"], done["busy"], done["unknown"]) == (1, [newest], ["dlv_0"])
        event = AuditEvent.objects.get(action="redrive", object_type="dead_letter")
        assert event.after == {"ids": [oldest], "redriven": 1}
        matched = redrive(shop, match={})
        assert (matched["redriven"], matched["busy"], matched["unknown"]) == (0, [newest], [])
    done = redrive(shop, ids=[newest])
    assert (done["redriven"], done["busy"]) == (1, [])


def test_an_id_in_capitals_is_the_same_id(shop, work, provider):
    notify(shop, "ada")
    work()
    [letter] = letters(shop)
    capitals = letter["id"].upper()
    assert shop.get(f"dead-letters/{capitals}")["id"] == letter["id"]
    done = redrive(shop, ids=[capitals])
    assert (done["redriven"], done["unknown"]) == (1, [])


def test_a_redrive_that_cannot_be_read_is_refused(shop):
    for body in [
        {},
        {"ids": []},
        {"ids": ["dlv_1"], "match": {}},
        {"ids": ["dlv_1"] * 1001},
        {"ids": [7, None]},
        {"match": {"topic": "a\0b"}},
        {"match": {}, "cursor": "x"},
        {"ids": ["dlv_1"], "cursor": "x"},
        {"match": {"colour": "red"}},
        {"match": {"died_before": "soon"}},
    ]:
        shop.post("dead-letters/redrive", body, status=400)


def test_a_redriven_delivery_of_an_expired_notification_expires(
    shop, work, again, provider, heal, execute
):
    posted = notify(shop, "ada", expires_at="2035-01-01T00:00:00Z")
    work()
    execute("UPDATE delivery_notification SET expires_at = now()")
    heal()
    assert redrive(shop, match={})["redriven"] == 1
    again()
    assert shop.counts(posted) == {"inbox": {"expired": 1}}
    assert len(Scripted.calls) == 1


def test_a_redriven_delivery_obeys_a_cancel_and_a_suppression(shop, work, again, provider, heal):
    cancelled = notify(shop, "ada")
    suppressed = shop.post(
        "notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO}
    )
    work()
    shop.post(f"notifications/{cancelled['id']}/cancel", None, status=200)
    heal()
    letter_of = {row["notification_id"]: row["id"] for row in letters(shop)}
    redrive(shop, ids=[letter_of[cancelled["id"]]])
    again()
    assert shop.counts(cancelled) == {"inbox": {"cancelled": 1}}
    contact = Contact.objects.get(recipient__user_id="ada")
    Suppression.objects.create(
        channel="inbox", address_index=contact.address_index, masked="a", reason="manual"
    )
    redrive(shop, ids=[letter_of[suppressed["id"]]])
    again()
    assert shop.counts(suppressed) == {"inbox": {"suppressed": 1}}
    assert len(Scripted.calls) == 2, "nothing more was sent"


def test_what_died_before_the_table_existed_is_filled_in(shop, work, provider, execute):
    notify(shop, "ada")
    work()
    [before] = DeadLetter.objects.values()
    DeadLetter.objects.all().delete()
    migration = import_module("apps.delivery.migrations.0006_dead_letters").Migration
    execute(migration.operations[0].sql)
    assert DeadLetter.objects.values().get() == before
    assert Delivery.objects.get().state == "dead"
