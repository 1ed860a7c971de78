"""Retry policies of topics and subscriptions: how often, how long apart, and what then."""

import json

import pytest

from apps.delivery.models import Attempt, Delivery
from apps.preferences import vault
from apps.preferences.models import Contact
from apps.publishers.models import AuditEvent
from apps.topics.models import Subscription
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from tests.support.deliveries.workers import claim, cut, lose_claims, send
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import contact, recipient

HELLO = {"body": "Hello"}
ONCE = {"schedule": []}
OPS = "ops@example.com"


@pytest.fixture
def provider(settings, monkeypatch):
    """Scripted providers: the inbox's fails, and email's accepts."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {
        "inbox": {"class": path, "channel": "inbox"},
        "sendgrid": {"class": path, "channel": "email"},
    }
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "inbox": (1.0, 1.0), "email": ()}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(Scripted, "calls", [])
    says(monkeypatch, inbox=Retry(Reason.PROVIDER_ERROR), email=Accepted("id"))
    return Scripted


def says(monkeypatch, **outcomes):
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda m: outcomes[m.channel]))


def topic_of(shop, **fields):
    return shop.http.post("/v1/topics", {"name": "news", **fields}, format="json")


def publish(shop, **fields):
    return shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"], **fields})


@pytest.fixture
def to_the_end(work, wake):
    """Make every attempt there is to make."""

    def run():
        work()
        while Delivery.objects.filter(state="retrying").exists():
            wake()
            work()

    return run


def fan(shop, **subscription):
    recipient("ada")
    body = {"user_id": "ada", "channels": ["inbox"], **subscription}
    return shop.post("topics/news/subscriptions", body, status=200)


def rows(shop, posted):
    return shop.get(f"notifications/{posted['id']}/deliveries")["data"]


def test_a_topics_number_of_attempts_repeats_the_last_wait(shop, to_the_end, provider):
    topic_of(shop, retry_policy={"schedule": [1], "attempts": 4})
    fan(shop)
    posted = publish(shop)
    to_the_end()
    assert shop.counts(posted) == {"inbox": {"dead": 1}}
    assert Attempt.objects.count() == 4


def test_fewer_attempts_than_waits_end_the_schedule_early(shop, to_the_end, provider):
    topic_of(shop, retry_policy={"schedule": [1, 2, 3], "attempts": 2})
    fan(shop)
    publish(shop)
    to_the_end()
    assert Attempt.objects.count() == 2


def test_a_subscriptions_policy_goes_before_its_topics_on_every_attempt(shop, work, wake, provider):
    topic_of(shop, retry_policy=ONCE)
    fan(shop, retry_policy={"schedule": [100, 1000]})
    posted = publish(shop)
    for _ in range(2):
        work()
        [row] = rows(shop, posted)
        assert row["state"] == "retrying"
        wake()
    work()
    [row] = rows(shop, posted)
    assert (row["state"], len(row["attempts"])) == ("dead", 3)


def test_a_bare_endpoints_subscription_may_have_a_policy_too(shop, to_the_end, provider):
    topic_of(shop)
    shop.post(
        "topics/news/subscriptions",
        {"channel": "email", "address": "a@example.com", "retry_policy": {"schedule": [1, 1]}},
        status=200,
    )
    says_down(provider)
    posted = publish(shop, channels=["email"])
    to_the_end()
    assert len(rows(shop, posted)[0]["attempts"]) == 3


def says_down(provider):
    provider.answer = staticmethod(lambda message: Retry(Reason.PROVIDER_ERROR))


def test_subscribing_again_keeps_changes_or_drops_the_policy(shop):
    topic_of(shop)

    def policy():
        [row] = shop.get("topics/news/subscriptions")["data"]
        return row["retry_policy"]

    fan(shop, retry_policy={"schedule": [5]})
    again = {"user_id": "ada", "channels": ["inbox"]}
    shown = {"schedule": [5.0], "attempts": 2, "after_last": "dead_letter"}
    assert policy() == shown
    shop.post("topics/news/subscriptions", again, status=200)
    assert policy() == shown
    shop.post("topics/news/subscriptions", {**again, "retry_policy": ONCE}, status=200)
    assert policy()["attempts"] == 1
    shop.post("topics/news/subscriptions", {**again, "retry_policy": None}, status=200)
    assert policy() is None
    assert Subscription.objects.get().retry_policy is None


def test_a_lost_worker_counts_as_an_attempt_of_the_policy(shop, provider):
    topic_of(shop, retry_policy={"schedule": [1] * 9})
    fan(shop, retry_policy={"schedule": [1]})
    posted = publish(shop)
    cut()
    for _ in range(2):
        assert claim() is not None  # and here the worker dies
        lose_claims()
    assert claim() is None
    [row] = rows(shop, posted)
    assert (row["state"], row["reason"]) == ("unknown", "worker_lost")


# -- After the last attempt -------------------------------------------------------------------


def instead(address=OPS, **more):
    return {**ONCE, "after_last": {"channel": "email", "address": address, **more}}


def test_after_the_last_attempt_another_endpoint_gets_it(shop, to_the_end, provider):
    topic_of(shop, retry_policy=instead())
    fan(shop)
    posted = publish(shop)
    to_the_end()
    dead, sent = rows(shop, posted)
    assert (dead["state"], dead["instead_of"]) == ("dead", None)
    assert (sent["state"], sent["channel"], sent["instead_of"]) == (
        "accepted",
        "email",
        dead["id"],
    )
    assert sent["address"] == "o•••@example.com" and sent["user_id"] is None
    assert set(Delivery.objects.values_list("publisher_id", flat=True)) == {shop.id}, "of one share"
    assert shop.counts(posted) == {"inbox": {"dead": 1}, "email": {"accepted": 1}}
    assert shop.get("dead-letters")["data"] == [], "it was sent instead"


def test_a_replacement_that_dies_is_the_dead_letter_and_there_is_no_third(
    shop, to_the_end, provider
):
    topic_of(shop, retry_policy=instead())
    fan(shop)
    says_down(provider)
    posted = publish(shop)
    to_the_end()
    first, second = rows(shop, posted)
    assert (first["state"], second["state"]) == ("dead", "dead")
    [letter] = shop.get("dead-letters")["data"]
    assert letter["id"] == second["id"]
    shop.post("dead-letters/redrive", {"ids": [letter["id"]]}, status=200)
    to_the_end()
    assert len(rows(shop, posted)) == 2


def test_a_subscriptions_endpoint_goes_before_its_topics(shop, to_the_end, provider):
    topic_of(shop, retry_policy=instead())
    fan(shop, retry_policy=instead("own@example.com"))
    posted = publish(shop)
    to_the_end()
    assert rows(shop, posted)[1]["address"] == "o•••@example.com"
    [used] = Contact.objects.filter(
        pk__in=Delivery.objects.exclude(instead_of=None).values("contact_id")
    )
    assert vault.open(bytes(used.address), bytes(used.address_index)) == "own@example.com"


def test_what_was_refused_is_not_sent_elsewhere(shop, to_the_end, provider, monkeypatch):
    topic_of(shop, retry_policy=instead())
    fan(shop)
    for refusal, state in (
        (Refused(Reason.REJECTED, 400), "failed"),
        (Refused(Reason.AUTHENTICATION, 401), "dead"),
    ):
        says(monkeypatch, inbox=refusal)
        posted = publish(shop)
        to_the_end()
        assert shop.counts(posted) == {"inbox": {state: 1}}
    [letter] = shop.get("dead-letters")["data"]
    assert letter["reason"] == "authentication"


def test_without_its_endpoint_a_delivery_stays_a_dead_letter(shop, to_the_end, provider):
    topic_of(shop, retry_policy=instead())
    Contact.objects.update(state="disabled")
    fan(shop)
    posted = publish(shop)
    to_the_end()
    assert shop.counts(posted) == {"inbox": {"dead": 1}}
    assert len(shop.get("dead-letters")["data"]) == 1


def test_a_cancel_stops_what_would_be_sent_instead(shop, work, wake, provider):
    topic_of(shop, retry_policy=instead())
    fan(shop)
    posted = publish(shop)
    cut()
    send()
    assert shop.counts(posted)["email"] == {"retrying": 1}
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    wake()
    work()
    assert shop.counts(posted) == {"inbox": {"dead": 1}, "email": {"cancelled": 1}}


def test_a_webhook_names_what_it_gets_instead_of(shop, work, wake, sandbox, settings, provider):
    url = sandbox.config["webhook"]["base_url"]
    options = {"ca_file": sandbox.config["ca_file"], "allowed_networks": ["127.0.0.0/8"]}
    settings.PROVIDERS = {
        **settings.PROVIDERS,
        "webhook": {
            "class": "notifier.providers.webhook.Webhook",
            "channel": "webhook",
            "options": options,
        },
    }
    secret = "whsec_" + "c2VjcmV0" * 4
    after_last = {"channel": "webhook", "address": f"{url}/ops", "secret": secret}
    made = topic_of(shop, retry_policy={**ONCE, "after_last": after_last})
    assert made.json()["retry_policy"]["after_last"] == {
        "channel": "webhook",
        "address": Contact.objects.get().masked,
    }
    fan(shop)
    posted = publish(shop)
    work()
    wake()
    work()
    assert shop.counts(posted)["webhook"] == {"delivered": 1}
    [message] = sandbox.client.messages("webhook")
    assert rows(shop, posted)[0]["id"] in str(message)


# -- What the API takes and shows --------------------------------------------------------------


def test_an_endpoints_address_is_in_its_contact_and_nowhere_else(shop):
    made = topic_of(shop, retry_policy=instead()).json()
    masked = {"channel": "email", "address": "o•••@example.com"}
    assert made["retry_policy"] == {"schedule": [], "attempts": 1, "after_last": masked}
    assert shop.get("topics/news")["retry_policy"] == made["retry_policy"]
    assert shop.get("topics")["data"][0]["retry_policy"] == made["retry_policy"]
    owned = Contact.objects.get()
    assert owned.publisher_id == shop.id
    event = AuditEvent.objects.get(action="create", object_type="topic")
    assert event.after["retry_policy"]["after_last"] == {"contact_id": owned.pk}
    assert OPS not in str(event.after)


def test_an_answer_sent_back_keeps_the_endpoint(shop):
    made = topic_of(shop, retry_policy=instead()).json()
    body = {"retry_policy": {**made["retry_policy"], "schedule": [5], "attempts": 2}}
    answer = shop.http.patch("/v1/topics/news", body, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["retry_policy"] == {
        **made["retry_policy"],
        "schedule": [5.0],
        "attempts": 2,
    }
    assert Contact.objects.count() == 1


WRONG = [
    ({}, "/schedule"),
    ({"schedule": [86401]}, "/schedule/0"),
    ({"schedule": ["nan"]}, "/schedule/0"),
    ({"schedule": [1] * 50}, "/schedule"),
    ({"schedule": [86400] * 8}, "/schedule"),
    ({"schedule": [86400], "attempts": 50}, "/schedule"),
    ({"schedule": [], "attempts": 2}, "/schedule"),
    ({"schedule": [1], "attempts": 51}, "/attempts"),
    ({"schedule": [1], "attempts": 0}, "/attempts"),
    ({"schedule": [1], "after_last": "drop"}, "/after_last"),
    ({"schedule": [1], "after_last": 7}, "/after_last"),
    ({"schedule": [1], "after_last": {"channel": "email"}}, "/after_last/address"),
    (instead("nobody"), "/after_last/address"),
    (instead("o•••@example.com"), "/after_last/address"),
    (instead(secret="whsec_" + "c2VjcmV0" * 4), "/after_last/secret"),
    (instead(colour="red"), "/after_last/colour"),
    ({**ONCE, "after_last": {"channel": "inbox", "address": "ada"}}, "/after_last/channel"),
    (
        {**ONCE, "after_last": {"channel": "webhook", "address": "https://example.com/x"}},
        "/after_last/secret",
    ),
]


def test_a_policy_that_cannot_be_followed_is_refused(shop):
    shop.topic()
    recipient("ada")
    for policy, pointer in WRONG:
        answer = shop.http.patch("/v1/topics/news", {"retry_policy": policy}, format="json")
        assert answer.status_code == 400, policy
        assert answer.json()["errors"][0]["pointer"] == f"/retry_policy{pointer}", policy
        requested = {"user_id": "ada", "channels": ["inbox"], "retry_policy": policy}
        found = shop.post("topics/news/subscriptions", requested, status=400)
        assert found["errors"][0]["pointer"] == f"/retry_policy{pointer}"
        many = shop.post("topics/news/subscriptions", {"subscriptions": [requested]}, status=200)
        [error] = many["results"][0]["problem"]["errors"]
        assert error["pointer"] == f"/subscriptions/0/retry_policy{pointer}"
    assert not Contact.objects.filter(recipient=None).exists()


def test_an_operator_cannot_write_a_policy_that_workers_would_fail_at(shop, admin_client):
    topic = shop.topic()
    form = {
        "name": "news",
        "publisher": shop.id,
        "default_priority": "normal",
        "delay": 0,
    }

    def write(policy):
        body = {**form, "retry_policy": policy}
        admin_client.post(f"/admin/topics/topic/{topic.pk}/change/", body)
        topic.refresh_from_db()
        return topic.retry_policy

    for policy in (
        "[]",
        '"soon"',
        "{}",
        '{"schedule": "soon"}',
        '{"schedule": [1], "after_last": "drop"}',
        '{"schedule": [1], "after_last": {"contact_id": 999}}',
        '{"schedule": [1], "after_last": {"contact_id": "1"}}',
    ):
        assert write(policy) is None, policy
    ops = contact("email", OPS, publisher_id=shop.id)
    good = {"schedule": [1], "after_last": {"contact_id": ops.pk}}
    assert write(json.dumps(good)) == good
