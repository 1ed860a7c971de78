"""Messages to many people, and that no mistake of ours cost an address."""

from apps.preferences.models import Contact, Suppression
from tests.support.publishers.people import recipient

HELLO = {"title": "Hello", "body": "there"}


def post_to_many(shop, channel, number, address):
    """Post to so many new people on one channel, person ``n`` at ``address(n)``."""
    names = [f"person-{n}" for n in range(number)]
    for n, name in enumerate(names):
        recipient(name, **{channel: address(n)})
    body = {"user_ids": names, "channels": [channel.partition("_")[0]], "content": HELLO}
    return shop.post("notifications", body)


def nothing_was_given_up():
    """Expect that every contact is active and nobody is suppressed."""
    assert not Contact.objects.exclude(state="active").exists()
    assert not Suppression.objects.exists()


def redrive(shop, **match):
    """Redrive the dead letters that match; how many there were."""
    return shop.post("dead-letters/redrive", {"match": match}, status=200)["redriven"]
