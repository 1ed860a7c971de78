"""A client of the REST API, typed: synchronous and safe to share between threads, or asynchronous.

    from notifier.client import NotifierClient

    with NotifierClient("https://notifier.example.com", "ntf_…") as client:
        posted = client.notify_users(["ada"], title="Shipped", body="Order 7 is on its way.")
        print(client.wait(posted.id, timeout=30).counts)

``AsyncNotifierClient`` has the same methods to await; ``InboxClient`` and ``AsyncInboxClient`` are
for a person's own inbox. Every error is a ``NotifierError``. What publishes carries an
``Idempotency-Key``, so that it can be, and is, repeated until it is answered without anybody being
told twice.
"""

from notifier.client._async.client import AsyncNotifierClient
from notifier.client._async.inbox import AsyncInboxClient
from notifier.client._sync.client import NotifierClient
from notifier.client._sync.inbox import InboxClient
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
    Added,
    ApiKey,
    Attempt,
    AuditEvent,
    BatchResult,
    Contact,
    DeadLetter,
    Delivery,
    Device,
    Draft,
    Group,
    InboxItem,
    Marked,
    Member,
    Message,
    Notification,
    Preference,
    Preview,
    Receipt,
    Recipient,
    RecipientResult,
    Redriven,
    Removed,
    StatusWebhook,
    Subscriber,
    Subscription,
    SubscriptionResult,
    Suppression,
    Template,
    TemplateContent,
    Topic,
)

__all__ = [
    "Added",
    "ApiKey",
    "AsyncInboxClient",
    "AsyncNotifierClient",
    "Attempt",
    "AuditEvent",
    "AuthenticationError",
    "BatchResult",
    "Conflict",
    "ConnectionFailed",
    "Contact",
    "DeadLetter",
    "Delivery",
    "Device",
    "Draft",
    "Group",
    "InboxClient",
    "InboxItem",
    "InvalidRequest",
    "Marked",
    "Member",
    "Message",
    "NotAllowed",
    "NotFound",
    "Notification",
    "NotifierClient",
    "NotifierError",
    "Preference",
    "Preview",
    "RateLimited",
    "Receipt",
    "Recipient",
    "RecipientResult",
    "Redriven",
    "Removed",
    "StatusWebhook",
    "StillSending",
    "Subscriber",
    "Subscription",
    "SubscriptionResult",
    "Suppression",
    "Template",
    "TemplateContent",
    "Topic",
    "Unavailable",
]
