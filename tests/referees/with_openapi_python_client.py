"""The main flow, with the client that openapi-python-client makes."""

import os
import time
from uuid import uuid4

from generated_client import AuthenticatedClient
from generated_client.api.notifications import get_notification, list_deliveries, publish
from generated_client.api.recipients import upsert_recipient
from generated_client.api.subscriptions import subscribe
from generated_client.api.topics import create_topic
from generated_client.models import (
    ContactChannelEnum,
    ContactIn,
    ContentIn,
    ProblemDetails,
    PublishIn,
    RecipientIn,
    SubscribedOut,
    SubscriptionIn,
    TopicIn,
)
from generated_client.models.channel_enum import ChannelEnum

name = os.environ["NAME"]
client = AuthenticatedClient(os.environ["NOTIFIER_URL"], os.environ["NOTIFIER_KEY"])

topic = create_topic.sync(client=client, body=TopicIn(name=name, display_name="Orders"))
assert topic.name == name, topic
contact = ContactIn(channel=ContactChannelEnum.EMAIL, address=f"{name}@example.com")
person = RecipientIn(locale="de_AT", time_zone="Europe/Vienna", contacts=[contact])
written = upsert_recipient.sync(name, client=client, body=person)
assert written.user_id == name, written
requested = SubscriptionIn(user_id=name, channels=[ChannelEnum.EMAIL, ChannelEnum.INBOX])
subscribed = subscribe.sync(name, client=client, body=requested)
assert isinstance(subscribed, SubscribedOut), subscribed
said = PublishIn(content=ContentIn(title="Order 7", body="It is on its way."))
posted = publish.sync(name, client=client, body=said, idempotency_key=str(uuid4()))
for _ in range(100):
    found = get_notification.sync(posted.id, client=client)
    if found.state == "done":
        break
    time.sleep(0.2)
assert found.state == "done", found
deliveries = list_deliveries.sync(posted.id, client=client).data
assert {row.channel for row in deliveries} == {"email", "inbox"}, deliveries
assert {row.state for row in deliveries} <= {"accepted", "delivered"}, deliveries
refused = create_topic.sync(client=client, body=TopicIn(name=name))
assert isinstance(refused, ProblemDetails), refused
assert refused.type_ == "/problems/topic-exists"
