"""Explanations of why a person got a notification or not: one story for each end."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.delivery.models import (
    Attempt,
    Chunk,
    Delivery,
    Notification,
    ProviderSwitch,
    ReceiptEvent,
)
from apps.delivery.operations.explain import Explanation, explain
from apps.preferences.models import Contact, Preference, Recipient, Suppression
from apps.topics.models import Subscription
from notifier.domain.states import DeliveryState
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import Shop

NEWS = {"content": {"title": "Hello", "body": "World"}}


def tell(posted: dict, user_id: str = "ada") -> Explanation:
    return explain(
        Recipient.objects.get(user_id=user_id), Notification.objects.get(pk=posted["id"])
    )


def said(story: Explanation, channel: str = "inbox") -> str:
    return " ".join(sentence.text for sentence in story.channels[channel])


def opening(story: Explanation) -> str:
    return " ".join(sentence.text for sentence in story.sentences)


@pytest.fixture
def ada(shop: Shop) -> Recipient:
    return recipient("ada")


def publish(shop: Shop, **body) -> dict:
    return shop.post("topics/news/publish", NEWS | body)


def test_who_has_it_has_it_with_every_attempt_and_receipt(shop: Shop, ada, work):
    subscribe(shop.topic(), ada, "inbox")
    posted = publish(shop)
    work()
    delivery = Delivery.objects.get()
    ReceiptEvent.objects.create(
        delivery_id=delivery.pk, provider="inbox", event="opened", at=timezone.now()
    )
    story = tell(posted)
    assert (story.verdict, story.headline) == ("yes", "Yes: ada has it on inbox.")
    assert "shop posted it" in opening(story)
    assert "to the topic news" in opening(story)
    assert "The delivery to ada arrived." in said(story)
    assert "Attempt 1" in said(story)
    assert "inbox reported" in said(story)


def test_who_is_not_subscribed_is_not_in_its_audience(shop: Shop, ada, work):
    topic = shop.topic()
    posted = publish(shop, channels=["inbox", "email"])
    work()
    story = tell(posted)
    assert (story.verdict, story.headline) == ("no", "No: ada did not get it.")
    assert said(story) == "They are not subscribed to news on inbox."
    subscribe(topic, ada, "email")
    Subscription.objects.update(created_at="2020-01-01T00:00:00Z")
    assert "not subscribed to news on inbox, only on email" in said(tell(posted))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "pending"}, "have not confirmed it"),
        ({"state": "unsubscribed"}, "They unsubscribed from news on inbox"),
        ({"state": "active"}, "after it was posted"),
    ],
)
def test_a_subscription_that_did_not_count_then_is_explained(shop: Shop, ada, work, fields, words):
    topic = shop.topic()
    posted = publish(shop, channels=["inbox"])
    work()
    Subscription.objects.create(topic=topic, recipient=ada, channel="inbox", **fields)
    story = tell(posted)
    assert story.verdict == "no"
    assert words in said(story)


def test_a_refusal_names_the_preference_and_a_suppression_its_reason(shop: Shop, work):
    ada = recipient("ada", email="ada@example.com")
    topic = shop.topic(category="marketing")
    subscribe(topic, ada, "inbox", "email")
    Preference.objects.create(recipient=ada, channel="inbox", category="marketing", allowed=False)
    contact = Contact.objects.get(channel="email")
    Suppression.objects.create(
        channel="email",
        address_index=contact.address_index,
        masked=contact.masked,
        reason="complaint",
    )
    posted = publish(shop)
    work()
    story = tell(posted)
    assert story.verdict == "no"
    assert "because they refuse “marketing” on inbox" in said(story)
    assert "They refuse the category “marketing” on inbox" in said(story)
    assert "because they reported a message to this address as spam" in said(story, "email")
    assert "a•••@example.com was suppressed" in said(story, "email")


def test_a_refused_topic_is_named(shop: Shop, ada, work):
    topic = shop.topic("offers-of-the-week")
    subscribe(topic, ada, "inbox")
    Preference.objects.create(recipient=ada, topic_id=topic.pk, allowed=False)
    posted = shop.post("topics/offers-of-the-week/publish", NEWS)
    work()
    assert "They refuse the topic offers-of-the-week (set on" in said(tell(posted))


def test_a_recipient_without_an_address_is_explained(shop: Shop, work):
    ada = recipient("ada", email="ada@example.com")
    subscribe(shop.topic(), ada, "email")
    Contact.objects.filter(channel="email").update(state="disabled", disabled_reason="dead_address")
    posted = publish(shop, channels=["email"])
    work()
    assert "because they have no active contact on this channel" in said(tell(posted), "email")
    assert "a•••@example.com is disabled because the address does not exist any more" in said(
        tell(posted), "email"
    )
    Contact.objects.filter(channel="email").update(state="active", disabled_reason="")
    assert "a•••@example.com is active now, and was not then." in said(tell(posted), "email")


def test_what_still_waits_is_not_there_yet(shop: Shop, ada, work):
    subscribe(shop.topic(), ada, "inbox")
    posted = publish(shop)
    story = tell(posted)
    assert story.verdict == "not_yet"
    assert "still being cut into chunks" in opening(story)
    assert "It has not been sent to them yet" in said(story)


def test_what_is_scheduled_and_what_was_cancelled_say_so(shop: Shop, ada):
    subscribe(shop.topic(), ada, "inbox")
    tomorrow = timezone.now() + timedelta(days=1)
    posted = publish(shop, send_at=tomorrow.isoformat())
    story = tell(posted)
    assert story.verdict == "not_yet"
    assert f"It is to be sent on {tomorrow:%-d %b %Y %H:%M:%S} UTC, not before" in opening(story)
    shop.post(f"notifications/{posted['id']}/cancel", {}, status=200)
    story = tell(posted)
    assert story.verdict == "no"
    assert "It was cancelled" in opening(story)
    assert "cancelled before it was sent to them" in said(story)


def test_a_channel_that_was_not_chosen_and_a_person_who_was_not_named(shop: Shop, work):
    recipient("ada", email="ada@example.com")
    recipient("bob")
    body = {"user_ids": ["ada"], "channels": ["inbox"], **NEWS}
    posted = shop.post("notifications", body)
    assert tell(posted).verdict == "not_yet"
    work()
    story = tell(posted)
    assert story.verdict == "yes"
    assert said(story, "email") == "email is not among the channels it was posted for."
    story = tell(posted, "bob")
    assert story.verdict == "no"
    assert said(story) == "They were not among the recipients it was posted to."


def test_a_channel_whose_providers_are_paused_is_the_reason(shop: Shop, ada):
    subscribe(shop.topic(), ada, "inbox")
    posted = publish(shop)
    ProviderSwitch.objects.create(provider="inbox", paused_at=timezone.now())
    assert said(tell(posted)) == "An operator paused every provider of inbox."
    assert tell(posted).verdict == "not_yet"


def test_a_paused_topic_is_the_reason_while_it_is_paused(shop: Shop, ada):
    topic = shop.topic()
    subscribe(topic, ada, "inbox")
    posted = publish(shop)
    topic.paused_at = timezone.now()
    topic.save()
    assert Chunk.objects.exclude(state="done").exists()
    assert "The topic news was paused" in opening(tell(posted))
    assert said(tell(posted)) == "It is sent to them when the topic is resumed."


@pytest.mark.parametrize("state", [state.value for state in DeliveryState])
@pytest.mark.parametrize("over", ["", "cancelled_at", "expires_at"])
def test_the_verdict_and_the_sentences_agree_in_every_state(shop: Shop, ada, work, state, over):
    """The rows a reader may meet: a cancel of more than 10,000 leaves some waiting."""
    subscribe(shop.topic(), ada, "inbox")
    posted = publish(shop)
    work()
    waits = state == "retrying"
    Delivery.objects.update(
        state=state, attempts=1, next_attempt_at=timezone.now() if waits else None
    )
    if over:
        Notification.objects.update(**{over: timezone.now() - timedelta(seconds=1)})
    story = tell(posted)
    every = " ".join([story.headline, opening(story), said(story)])
    going_on = state in ("queued", "retrying") and not over
    assert story.headline.startswith("Not yet") == (going_on or state == "sending")
    assert story.headline.startswith("Yes") == (state in ("accepted", "delivered"))
    assert story.headline.startswith("Perhaps") == (state == "unknown")
    if over and state in ("queued", "retrying"):
        assert "It is not sent any more: the notification" in every
        assert "attempt is due" not in every and "on its way" not in every
    if over and state == "sending":
        assert "It is not sent any more" not in every
        assert "It may still arrive" in every and "not tried again: the notification" in every


def test_what_is_held_back_was_not_tried(shop: Shop, ada, work):
    subscribe(shop.topic(), ada, "inbox")
    posted = publish(shop)
    work()
    soon = timezone.now() + timedelta(minutes=1)
    Delivery.objects.update(
        state="retrying", attempts=0, reason="topic_paused", next_attempt_at=soon
    )
    Attempt.objects.all().delete()
    assert "waits because the topic is paused." in said(tell(posted))
    assert "Its first attempt is due" in said(tell(posted))
    assert "tried" not in said(tell(posted))


def test_a_cancelled_schedule_is_no_promise(shop: Shop, ada):
    subscribe(shop.topic(), ada, "inbox")
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    posted = publish(
        shop, send_at=tomorrow, expires_at=(timezone.now() + timedelta(days=2)).isoformat()
    )
    shop.post(f"notifications/{posted['id']}/cancel", {}, status=200)
    said_of_it = opening(tell(posted))
    assert "It was to be sent on" in said_of_it and "It was cancelled" in said_of_it
    assert "expires" not in said_of_it and "being cut" not in said_of_it


def test_what_expired_before_its_turn_is_not_still_to_come(shop: Shop, ada):
    subscribe(shop.topic(), ada, "inbox")
    posted = publish(shop)
    Notification.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    story = tell(posted)
    assert story.verdict == "no" and "the notification expired" in story.headline
    assert said(story) == "It expired before it was sent to them."


def test_the_why_page_asks_and_answers(shop: Shop, operator: Client, work):
    subscribe(shop.topic(), recipient("ada"), "inbox")
    posted = shop.post("topics/news/publish", NEWS)
    work()
    assert operator.get(reverse("admin:why")).status_code == 200

    def ask(**query: str) -> str:
        return operator.get(reverse("admin:why"), query).content.decode()

    assert "Yes: ada has it on inbox." in ask(user_id="ada", notification=posted["id"])
    assert "There is no recipient bob." in ask(user_id="bob", notification=posted["id"])
    assert "is a UUID" in ask(user_id="ada", notification="7")
    person = Recipient.objects.get()
    page = operator.get(reverse("admin:preferences_recipient_change", args=[person.pk]))
    assert posted["id"] in page.content.decode()
