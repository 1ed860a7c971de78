"""A client of the REST API, for publishers: synchronous, typed, safe to share between threads.

    from notifier.client import NotifierClient

    with NotifierClient("https://notifier.example.com", "ntf_…") as client:
        posted = client.notify_users(["ada"], title="Shipped", body="Order 7 is on its way.")
        print(client.wait(posted.id, timeout=30).counts)

Every error is a ``NotifierError``. What publishes carries an ``Idempotency-Key``, so that it can
be, and is, repeated until it is answered without anybody being told twice.
"""

from notifier.client.client import NotifierClient
from notifier.client.errors import (
    AuthenticationError,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotifierError,
    RateLimited,
    StillSending,
    Unavailable,
)
from notifier.client.rows import (
    Attempt,
    BatchResult,
    Contact,
    Delivery,
    Device,
    Draft,
    Notification,
    Preference,
    Recipient,
    RecipientResult,
    Subscriber,
    Subscription,
    SubscriptionResult,
    Topic,
)

__all__ = [
    "Attempt",
    "AuthenticationError",
    "BatchResult",
    "Conflict",
    "ConnectionFailed",
    "Contact",
    "Delivery",
    "Device",
    "Draft",
    "InvalidRequest",
    "NotAllowed",
    "NotFound",
    "Notification",
    "NotifierClient",
    "NotifierError",
    "Preference",
    "RateLimited",
    "Recipient",
    "RecipientResult",
    "StillSending",
    "Subscriber",
    "Subscription",
    "SubscriptionResult",
    "Topic",
    "Unavailable",
]
