"""Rows as they were before the case of addresses and categories was folded."""

from django.db import connection

from apps.preferences import vault
from apps.preferences.models import Contact, Suppression
from apps.topics.selectors import topics_by_id

#: State and reason of a delivery that a preference refused.
REFUSED = ("suppressed", "preference")
HELLO = {"title": "Hello", "body": "There"}


def person(shop, user_id, email):
    """Register a person with one email address, through the API."""
    contacts = [{"channel": "email", "address": email}]
    answer = shop.http.put(f"/v1/recipients/{user_id}", {"contacts": contacts}, format="json")
    assert answer.status_code in (200, 201), answer.json()


def mailed(shop, work, user_id):
    """The state of an email that is posted to the person now."""
    body = {"user_id": user_id, "channels": ["email"], "content": HELLO}
    posted = shop.post("notifications", body)
    work()
    return list(shop.counts(posted)["email"])


def contact_as_before(address, **owner):
    """A contact as it was stored when each spelling had an index of its own."""
    index = vault.keyring().blind_index("email", address)
    sealed = vault.keyring().encrypt(address.encode(), b"contact:" + index)
    return Contact.objects.create(channel="email", address=sealed, address_index=index, **owner)


def suppressed_as_before(address, reason="complaint"):
    """A suppression as it was stored when each spelling had an index of its own."""
    return Suppression.objects.create(
        channel="email",
        address_index=vault.keyring().blind_index("email", address),
        masked=f"{address[0]}•••@example.com",
        reason=reason,
    )


def preference_as_before(recipient, category, allowed, channel="", topic_id=None):
    """A preference as it was stored when each spelling was a category of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO preferences_preference
                   (recipient_id, channel, topic_id, category, allowed, updated_at)
               VALUES (%s, %s, %s, %s, %s, now())""",
            [recipient.pk, channel, topic_id, category, allowed],
        )


def topic_category_as_before(topic, category):
    """Store a topic's category in the case that is given."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE topics_topic SET category = %s WHERE id = %s", [category, topic.pk])
    topics_by_id.forget()
