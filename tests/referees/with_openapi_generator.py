"""The main flow, with the Python client that OpenAPI Generator makes."""

import os
import time
from uuid import uuid4

import openapi_client as api

name = os.environ["NAME"]
configuration = api.Configuration(
    host=os.environ["NOTIFIER_URL"], access_token=os.environ["NOTIFIER_KEY"]
)
with api.ApiClient(configuration) as client:
    topics, recipients = api.TopicsApi(client), api.RecipientsApi(client)
    subscriptions, notifications = api.SubscriptionsApi(client), api.NotificationsApi(client)

    topic = topics.create_topic(api.TopicIn(name=name, display_name="Orders"))
    assert topic.name == name, topic
    # It sends every documented default that is not named.
    contact = api.ContactIn(channel="email", address=f"{name}@example.com")
    device = api.DeviceIn(platform="android", token=f"token-of-{name}:{'0' * 60}")
    written = recipients.upsert_recipient(
        name, api.RecipientIn(locale="de_AT", contacts=[contact], devices=[device])
    )
    assert written.user_id == name, written
    requested = api.SubscriptionIn(user_id=name, channels=["email", "inbox", "push"])
    subscriptions.subscribe(name, api.SubscribeIn(requested))
    content = api.ContentIn(title="Order 7", body="It is on its way.")
    posted = notifications.publish(name, str(uuid4()), api.PublishIn(content=content))
    for _ in range(100):
        found = notifications.get_notification(posted.id)
        if found.state == "done":
            break
        time.sleep(0.2)
    assert found.state == "done", found
    deliveries = notifications.list_deliveries(posted.id).data
    assert {row.channel for row in deliveries} == {"email", "inbox", "push"}, deliveries
    assert {row.state for row in deliveries} <= {"accepted", "delivered"}, deliveries
    one = api.NotificationIn(user_id=name, content=content)
    batch = notifications.notify_batch(batch_in=api.BatchIn(notifications=[one]))
    assert [result.status for result in batch.results] == ["accepted"], batch
    try:
        topics.create_topic(api.TopicIn(name=name))
    except api.exceptions.ConflictException as error:
        assert "/problems/topic-exists" in error.body
    else:
        raise AssertionError("the topic exists")
