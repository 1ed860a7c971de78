"""Escalation in the demo: an alarm goes on to a group until one of it acknowledges."""

import time
from collections.abc import Callable

from notifier_client import Acknowledged, InboxClient, Notification, NotifierClient

#: Seconds until the alarm goes to the group, and then until it would go to it by mail.
AFTER, MAIL_AFTER = 1, 5
#: The people on call, with their telephones.
ON_CALL = {"vic": "+12025550184", "wes": "+12025550185"}


def play(
    client: NotifierClient,
    directory: NotifierClient,
    inbox_of: Callable[[str], InboxClient],
    run: str,
    patience: float,
) -> tuple[Notification, Acknowledged]:
    """Have an alarm go to a group, and one of it acknowledge; return how it ended."""
    una, group = f"una-{run}", f"escalation-{run}"
    directory.upsert_recipient(una)
    client.put_group(group)
    people = {f"{name}-{run}": phone for name, phone in ON_CALL.items()}
    for user_id, phone in people.items():
        directory.upsert_recipient(user_id, phone=phone, email=f"{user_id}@example.com")
    client.add_members(group, list(people))
    step = {"channel": "sms", "after_seconds": AFTER, "unless": "acknowledged", "group": group}
    mail = {"channel": "email", "after_seconds": MAIL_AFTER, "group": group}
    posted = client.notify_users(
        [una],
        title="The pump has stopped",
        channels=["inbox"],
        fallback={**step, "then": mail},
    )
    until(client, posted, lambda one: one.steps[0].state == "done", patience)
    with inbox_of(next(iter(people))) as app:
        acknowledged = app.acknowledge(posted.id)
    return until(client, posted, lambda one: one.done, patience), acknowledged


def until(
    client: NotifierClient,
    posted: Notification,
    done: Callable[[Notification], bool],
    patience: float,
) -> Notification:
    """Return the notification once ``done`` says so, or after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = client.get_notification(posted.id)
        if done(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.1)
