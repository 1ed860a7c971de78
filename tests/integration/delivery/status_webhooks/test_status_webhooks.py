"""Status webhooks: a publisher is told what became of its deliveries, where and of what it chose.

The receiver is the sandbox's, which verifies every signature and answers a wrong one with 401.
"""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.delivery import sealed_content, tasks
from apps.delivery.models import Delivery, Notification, StatusWebhook
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import process, runtime
from apps.delivery.state import counts
from apps.delivery.status_webhooks import events as status_events
from apps.delivery.status_webhooks import health as webhook_health
from apps.preferences.models import Contact, Recipient
from apps.publishers.models import AuditEvent
from notifier.domain.priorities import Priority
from tests.integration.api.conftest import forget_lookups
from tests.integration.delivery.conftest import recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    forget_lookups()
    yield
    forget_lookups()


@pytest.fixture
def outside(providers, settings):
    """The sandbox, a webhook's receiver as well; nothing is tried twice unless a test says so."""
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "options": {
            "allowed_networks": ["127.0.0.0/8"],
            "ca_file": providers.config["ca_file"],
            "timeout": 2.0,
        },
    }
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "email": ()}
    return providers


def told_of(shop, outside, *events, name="shop", query="", status=201):
    """Have the shop told of these events at the sandbox, which then knows the secret."""
    url = f"{outside.config['webhook']['base_url']}/{name}{query}"
    made = shop.post("status-webhooks", {"url": url, "events": events}, status=status)
    if "secret" in made:
        outside.client.register_webhook(name, made["secret"])
    return made


def heard(outside, name="shop"):
    """What was told there and taken, oldest first; each was signed."""
    came = reversed(outside.client.messages(channel="webhook"))
    return [
        message["content"]
        for message in came
        if f"/{name}" in message["address"] and message["status"] == 204
    ]


def notify(shop, *user_ids, **fields):
    return shop.post("notifications", {"user_ids": user_ids, "content": HELLO, **fields})


def delivery_of(shop, posted):
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    return row


def change(shop, made, events, status=200):
    path = f"/v1/status-webhooks/{made['id']}"
    answer = shop.http.patch(path, {"events": events}, format="json")
    assert answer.status_code == status, answer.json()
    return answer.json()


# -- What is told -----------------------------------------------------------------------------


def test_what_was_delivered_is_told_without_address_and_content(shop, outside, work):
    told_of(shop, outside, "delivered")
    recipient("ada", email="ada@example.com")
    shop.topic("news")
    shop.post("topics/news/subscriptions", {"user_id": "ada", "channels": ["inbox"]}, status=200)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    [event] = heard(outside)
    row = delivery_of(shop, posted)
    assert set(event) == {"type", "timestamp", "data"}
    assert event["type"] == "delivery.delivered"
    assert event["data"] == {
        "deliveries": [
            {
                "delivery_id": row["id"],
                "notification_id": posted["id"],
                "topic": "news",
                "channel": "inbox",
                "user_id": "ada",
                "state": "delivered",
                "reason": "",
                "at": row["updated_at"],
            }
        ]
    }


@pytest.mark.parametrize(
    ("state", "channel", "address", "reason"),
    [
        ("accepted", "email", "ada@example.com", ""),
        ("failed", "push_android", "sandbox-dead", "dead_address"),
        ("dead", "email", "500@sandbox.example", "provider_error"),
        ("suppressed", "sms", "", "no_address"),
    ],
)
def test_each_state_is_told_with_its_reason_and_no_other(
    shop, outside, work, state, channel, address, reason
):
    told_of(shop, outside, state)
    told_of(shop, outside, *({"accepted", "failed", "dead", "suppressed"} - {state}), name="others")
    recipient("ada", **({channel: address} if address else {}))
    posted = notify(shop, "ada", channels=[channel.partition("_")[0]])
    work()
    assert delivery_of(shop, posted)["state"] == state
    [event] = heard(outside)
    assert event["type"] == f"delivery.{state}"
    [told] = event["data"]["deliveries"]
    assert (told["state"], told["reason"], told["topic"]) == (state, reason, "")
    assert heard(outside, "others") == []


def test_what_expires_and_what_is_cancelled_while_it_waits_is_told(shop, outside, work, settings):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "email": (3600.0,)}
    told_of(shop, outside, "cancelled", "expired")
    recipient("ada", email="503@sandbox.example")
    cancelled, expired = notify(shop, "ada", channels=["email"]), notify(shop, "ada")
    Notification.objects.filter(pk=expired["id"]).update(expires_at=timezone.now())
    work()
    shop.post(f"notifications/{cancelled['id']}/cancel", {}, status=200)
    work()
    events = {event["type"]: event["data"]["deliveries"] for event in heard(outside)}
    assert set(events) == {"delivery.cancelled", "delivery.expired"}
    [told] = events["delivery.cancelled"]
    assert told["notification_id"] == cancelled["id"]
    assert {one["notification_id"] for one in events["delivery.expired"]} == {expired["id"]}


def test_another_publisher_hears_nothing(shop, other_shop, outside, work):
    told_of(other_shop, outside, "delivered", name="other")
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert heard(outside, "other") == []
    assert Notification.objects.filter(kind="status").count() == 0


def test_a_granted_publisher_does_not_hear_who_is_subscribed(shop, other_shop, outside, work):
    told_of(shop, outside, "delivered")
    topic = other_shop.topic("theirs")
    topic.granted_to.add(shop.id)
    topic.save()
    subscribe(topic, recipient("ada"), "inbox")
    shop.post("topics/theirs/publish", {"content": HELLO})
    work()
    [event] = heard(outside)
    [told] = event["data"]["deliveries"]
    assert (told["topic"], told["state"], told["user_id"]) == ("theirs", "delivered", "")


def test_several_endpoints_hear_each_of_what_it_chose(shop, outside, work):
    told_of(shop, outside, "delivered", name="all")
    told_of(shop, outside, "delivered", "suppressed", name="both")
    recipient("ada")
    notify(shop, "ada", channels=["inbox", "sms"])
    work()
    assert [event["type"] for event in heard(outside, "all")] == ["delivery.delivered"]
    assert {event["type"] for event in heard(outside, "both")} == {
        "delivery.delivered",
        "delivery.suppressed",
    }


def test_a_hundred_and_twenty_deliveries_are_told_in_messages_of_up_to_fifty(shop, outside, work):
    told_of(shop, outside, "suppressed")
    names = [f"user-{number}" for number in range(120)]
    Recipient.objects.bulk_create(Recipient(user_id=name) for name in names)
    notify(shop, *names, channels=["sms"])
    work()
    batches = [event["data"]["deliveries"] for event in heard(outside)]
    assert sorted(map(len, batches)) == [20, 50, 50]
    assert {one["user_id"] for batch in batches for one in batch} == set(names)


def test_long_names_make_messages_of_fewer_so_that_each_is_taken(shop, outside, work):
    told_of(shop, outside, "suppressed")
    names = [f"{number:02}" + "\N{PILE OF POO}" * 198 for number in range(50)]
    Recipient.objects.bulk_create(Recipient(user_id=name) for name in names)
    topic = shop.topic("t" * 200)
    for name in names:
        shop.post(
            f"topics/{topic.name}/subscriptions", {"user_id": name, "channels": ["sms"]}, status=200
        )
    shop.post(f"topics/{topic.name}/publish", {"content": HELLO})
    work()
    assert len(heard(outside)) > 1
    assert {row.state for row in Delivery.objects.filter(channel="webhook")} == {"delivered"}
    # Not as it arrived: how much of a body the sandbox keeps is its own affair.
    events = [
        sealed_content.unseal(row.pk, row.content)
        for row in Notification.objects.filter(kind="status")
    ]
    told = [one["user_id"] for event in events for one in event.data["deliveries"]]
    assert sorted(told) == names


# -- Events are deliveries --------------------------------------------------------------------


def test_an_endpoint_that_is_down_is_told_when_it_is_up_again(shop, outside, work, wake):
    told_of(shop, outside, "delivered", query="?behave=500x2")
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert heard(outside) == []
    for _ in range(2):
        wake()
        work()
    [event] = heard(outside)
    assert event["type"] == "delivery.delivered"
    [row] = Delivery.objects.filter(channel="webhook")
    assert (row.state, row.attempts) == ("delivered", 3)


def test_nothing_is_told_of_what_tells(shop, outside, work, settings):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "webhook": ()}
    told_of(shop, outside, "delivered", "dead", "failed", name="well")
    told_of(shop, outside, "delivered", "dead", "failed", name="broken", query="?behave=500")
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert len(heard(outside, "well")) == 1
    states = Delivery.objects.filter(channel="webhook").values_list("state", flat=True)
    assert sorted(states) == ["dead", "delivered"], "both moved, and neither was told of"


def test_nothing_is_told_of_a_confirmation(shop, outside, work):
    told_of(shop, outside, "accepted", "dead")
    shop.post("topics", {"name": "offers", "requires_confirmation": True}, status=201)
    wish = {"channel": "email", "address": "ada@example.com"}
    shop.post("topics/offers/subscriptions", wish, status=200)
    tasks.confirmations.apply(throw=True)
    work()
    assert Delivery.objects.get().state == "accepted"
    assert heard(outside) == []


def test_what_tells_is_neither_listed_nor_counted_nor_charged(shop, outside, work):
    told_of(shop, outside, "delivered")
    recipient("ada")
    posted = notify(shop, "ada", channels=["inbox"])
    before = shop.get("usage")["quota"]["used"]
    work()
    assert len(heard(outside)) == 1
    assert [row["id"] for row in shop.get("notifications")["data"]] == [posted["id"]]
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert shop.get("usage")["quota"]["used"] == before == 1
    telling = Notification.objects.get(kind="status")
    assert telling.priority == "low"
    shop.get(f"notifications/{telling.pk}", status=404)


def test_an_endpoint_that_is_gone_is_disabled_until_it_is_asked_for_again(shop, outside, work):
    made = told_of(shop, outside, "delivered", query="?behave=deadx1")
    recipient("ada")
    path = f"status-webhooks/{made['id']}"
    notify(shop, "ada", channels=["inbox"])
    work()
    assert shop.get(path)["state"] == "disabled"
    notify(shop, "ada", channels=["inbox"])
    work()
    assert Notification.objects.filter(kind="status").count() == 1, "it is left alone"
    assert change(shop, made, ["delivered"])["state"] == "active"
    notify(shop, "ada", channels=["inbox"])
    work()
    assert len(heard(outside)) == 1
    Contact.objects.filter(channel="webhook").update(state="disabled")
    again = told_of(shop, outside, "delivered", query="?behave=deadx1", status=200)
    assert (again["id"], again["state"]) == (made["id"], "active")


def test_a_move_that_is_rolled_back_is_not_told(shop, outside, work, monkeypatch):
    told_of(shop, outside, "delivered")
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    add, failures = counts.add_attempts, iter([True])

    def fail_once(attempts):
        add(attempts)
        if next(failures, False):
            raise RuntimeError("after it was told")

    monkeypatch.setattr(counts, "add_attempts", fail_once)
    work()  # what failed is written down again, alone
    assert Notification.objects.filter(kind="status").count() == 1
    work()
    assert len(heard(outside)) == 1


def test_where_nobody_listens_a_move_costs_no_statement(shop, outside):
    status_events.tell([(1, "delivered")])  # the look-up, once
    with CaptureQueriesContext(
        connection,
    ) as captured:
        status_events.tell([(1, "delivered")])
    assert len(captured) == 0


# -- The doors --------------------------------------------------------------------------------


def test_the_secret_is_shown_once_and_the_url_never(shop):
    wanted = {"url": "https://shop.example.com/hooks?token=abc", "events": ["dead", "failed"]}
    made = shop.post("status-webhooks", wanted, status=201)
    assert made["secret"].startswith("whsec_")
    expected = {
        "url": "https://shop.example.com/•••",
        "events": ["failed", "dead"],
        "state": "active",
    }
    shown = shop.get(f"status-webhooks/{made['id']}")
    assert {name: shown[name] for name in expected} == expected
    known = {"id", "url", "events", "state", "former_secret_until", "created_at"}
    health = {"last_success_at", "last_error_at", "last_error"}
    assert set(shown) == known | health
    assert shop.get("status-webhooks") == {"data": [shown], "next": None}
    change(shop, made, ["dead"])
    shop.post("status-webhooks", {**wanted, "secret": SECRET}, status=200)
    assert shop.http.delete(f"/v1/status-webhooks/{made['id']}").status_code == 204
    trail = AuditEvent.objects.filter(object_type="status_webhook").order_by("id")
    assert [event.action for event in trail] == ["create", "update", "update", "delete"]
    assert trail[1].before == {"events": ["failed", "dead"]}
    assert trail[1].after == {"events": ["dead"]}
    written = str([(event.before, event.after) for event in trail])
    assert "whsec" not in written and "token" not in written and "hooks" not in written
    shop.get(f"status-webhooks/{made['id']}", status=404)


def test_a_secret_of_ones_own_signs(shop, outside, work):
    url = f"{outside.config['webhook']['base_url']}/own"
    wanted = {"url": url, "events": ["delivered"], "secret": SECRET}
    assert shop.post("status-webhooks", wanted, status=201)["secret"] == SECRET
    outside.client.register_webhook("own", SECRET)
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert len(heard(outside, "own")) == 1


def test_one_that_was_deleted_hears_of_nothing_new(shop, outside, work):
    made = told_of(shop, outside, "delivered")
    assert shop.http.delete(f"/v1/status-webhooks/{made['id']}").status_code == 204
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert heard(outside) == []


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"url": "https://a.example.com"}, "/events", "delivered, bounced, failed, dead"),
        ({"url": "https://a.example.com", "events": []}, "/events", "delivered"),
        ({"url": "https://a.example.com", "events": ["sending"]}, "/events/0", "delivered"),
        ({"url": "http://a.example.com", "events": ["dead"]}, "/url", "https"),
        ({"url": "https://u:p@a.example.com", "events": ["dead"]}, "/url", "password"),
        ({"events": ["dead"]}, "/url", "required"),
        ({"url": "https://a.co", "events": ["dead"], "secret": "x"}, "/secret", "whsec_"),
        ({"url": "https://a.co", "events": ["dead"], "state": "active"}, "/state", "no such"),
    ],
)
def test_what_is_wrong_is_named(shop, body, pointer, says):
    problem = shop.post("status-webhooks", body, status=400)
    [error] = problem["errors"]
    assert error["pointer"] == pointer
    assert says in error["detail"]


def test_there_are_at_most_ten(shop, other_shop):
    body = {"events": ["dead"]}
    for number in range(10):
        shop.post("status-webhooks", {**body, "url": f"https://a.co/{number}"}, status=201)
    refused = shop.post("status-webhooks", {**body, "url": "https://a.co/10"}, status=409)
    assert refused["type"] == "/problems/conflict"
    assert not Contact.objects.filter(publisher=other_shop.id).exists()
    assert Contact.objects.filter(publisher=shop.id).count() == 10, "nothing is left of it"
    shop.post("status-webhooks", {**body, "url": "https://a.co/9"}, status=200)
    other_shop.post("status-webhooks", {**body, "url": "https://a.co/10"}, status=201)


def test_anothers_is_not_there(shop, other_shop):
    body = {"url": "https://a.co/", "events": ["dead"]}
    made = shop.post("status-webhooks", body, status=201)
    for webhook_id in (made["id"], 10**30):
        path = f"/v1/status-webhooks/{webhook_id}"
        for call, change in (
            (other_shop.http.get, None),
            (other_shop.http.delete, None),
            (other_shop.http.patch, {"events": ["dead"]}),
        ):
            answer = call(path, change, format="json")
            assert answer.status_code == 404, (call, answer.content)
    assert other_shop.get("status-webhooks")["data"] == []
    assert StatusWebhook.objects.count() == 1


@pytest.fixture
def working(monkeypatch):
    """A worker beside the request, which waits for it as long as it takes."""
    monkeypatch.setattr(webhook_health, "PATIENCE", 30.0)
    process.attend([Queue("webhook", priority) for priority in Priority])
    yield
    process.close()


def test_a_test_call_says_that_it_arrived(shop, outside, working):
    made = told_of(shop, outside, "failed")
    assert (made["last_success_at"], made["last_error_at"], made["last_error"]) == (None, None, "")
    tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    assert (tested["outcome"], tested["error"], tested["status"]) == ("accepted", "", 204)
    [message] = heard(outside)
    assert message["type"] == "webhook.test"
    assert message["data"]["status_webhook_id"] == made["id"]
    shown = shop.get(f"status-webhooks/{made['id']}")
    assert shown["last_success_at"] is not None
    [delivery] = shop.get(f"status-webhooks/{made['id']}/deliveries")["data"]
    assert delivery["id"] == tested["delivery_id"]
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted"]
    assert shop.get("notifications")["data"] == [], "it is none of the publisher's notifications"
    assert AuditEvent.objects.latest("id").action == "test"


def test_a_receiver_whose_certificate_nobody_signed_is_told_of(shop, outside, settings, working):
    made = told_of(shop, outside, "failed", "dead")
    del settings.PROVIDERS["webhook"]["options"]["ca_file"]
    runtime.close()
    tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    assert tested["outcome"] == "retry"
    assert "ertificate" in tested["error"]
    [shown] = shop.get("status-webhooks")["data"]
    assert "ertificate" in shown["last_error"]
    assert shown["last_error_at"] is not None and shown["last_success_at"] is None


@pytest.mark.parametrize(
    ("behaviour", "outcome", "said"),
    [("500", "retry", "status 500"), ("403", "refused", "status 403"), ("dead", "refused", "gone")],
)
def test_a_receiver_that_refuses_is_told_of(shop, outside, working, behaviour, outcome, said):
    made = told_of(shop, outside, "failed")
    outside.client.behave("webhook", behaviour)
    tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    assert tested["outcome"] == outcome, tested
    assert said in tested["error"]
    if behaviour == "dead":
        again = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
        assert (again["outcome"], again["status"]) == ("refused", None)
        assert "disabled" in again["error"]


def test_without_a_worker_a_test_call_is_pending(shop, outside, monkeypatch):
    monkeypatch.setattr(webhook_health, "PATIENCE", 0.2)
    made = told_of(shop, outside, "failed")
    tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    assert tested["outcome"] == "pending"


def test_test_calls_do_not_keep_every_thread_waiting(shop, outside, monkeypatch):
    made = told_of(shop, outside, "failed")
    monkeypatch.setattr(webhook_health, "PATIENCE", 60)
    for _ in range(webhook_health.FEW):
        webhook_health._few.acquire()  # as many are being waited for
    begun = time.monotonic()
    try:
        tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    finally:
        webhook_health._few.release(webhook_health.FEW)
    assert tested["outcome"] == "pending" and time.monotonic() - begun < 30


def test_anothers_status_webhook_is_not_tested(shop, other_shop, outside):
    made = told_of(shop, outside, "failed")
    other_shop.post(f"status-webhooks/{made['id']}/test", None, status=404)
    other_shop.get(f"status-webhooks/{made['id']}/deliveries", status=404)
    assert not Notification.objects.exists()


def test_messages_to_an_endpoint_are_found_by_an_index(shop, outside, working):
    made = told_of(shop, outside, "failed")
    shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        with CaptureQueriesContext(connection) as asked:
            shop.get(f"status-webhooks/{made['id']}")
        [read] = [one["sql"] for one in asked if "delivery_statuswebhook w" in one["sql"]]
        cursor.execute(f"EXPLAIN {read}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert "delivery_of_endpoint" in plan and "Seq Scan on delivery_delivery" not in plan
