"""A typed client of the REST API: synchronous and thread-safe, or asynchronous.

    from notifier_client import NotifierClient

    with NotifierClient("https://notifier.example.com", "ntf_…") as client:
        posted = client.notify_users(["ada"], title="Shipped", body="Order 7 is on its way.")
        print(client.wait(posted.id, timeout=30).counts)

``AsyncNotifierClient`` has the same methods to await; ``InboxClient`` and ``AsyncInboxClient`` are
for a person's own inbox. Every error is a ``NotifierError``. Calls that publish carry an
``Idempotency-Key``, so that they can be, and are, repeated until they are answered without anybody
being notified twice.

In: arguments of methods. Out: frozen dataclasses of ``rows``. It imports nothing of the service.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from notifier_client._sync.client import NotifierClient
from notifier_client._sync.inbox import InboxClient
from notifier_client.errors import (
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
from notifier_client.rows import (
    REMOVE,
    Acknowledged,
    Acknowledgement,
    Added,
    ApiKey,
    Attempt,
    AuditEvent,
    BatchResult,
    BulkAction,
    Category,
    CategoryRetention,
    ChannelDryRun,
    Contact,
    DayOfDeliveries,
    DayOfNotifications,
    DeadLetter,
    Delivery,
    Device,
    DigestChoice,
    Draft,
    DryRun,
    Erasure,
    Explanation,
    FallbackStep,
    FrequencyCap,
    Group,
    Hour,
    InboxEvent,
    InboxItem,
    Marked,
    Me,
    Member,
    Message,
    MyCategory,
    MyTopic,
    Notification,
    Now,
    Preference,
    Preview,
    QuietHours,
    QuietWindow,
    Quota,
    Receipt,
    Recipient,
    RecipientResult,
    Redriven,
    Remove,
    Removed,
    RequestLimit,
    Retention,
    Schedule,
    ScheduleRun,
    Sentence,
    StatusWebhook,
    StepDryRun,
    StreamTicket,
    Subscriber,
    Subscription,
    SubscriptionResult,
    Suppression,
    Template,
    TemplateContent,
    TemplateVersion,
    Topic,
    TopicStatistics,
    Usage,
    WebhookTest,
)

if TYPE_CHECKING:
    from notifier_client._async.client import AsyncNotifierClient
    from notifier_client._async.inbox import AsyncInboxClient

_ASYNC = {"AsyncNotifierClient": "client", "AsyncInboxClient": "inbox"}


def __getattr__(name: str) -> Any:
    """Import the asynchronous clients on first use, so that others do not need aiohttp."""
    if name not in _ASYNC:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    try:
        return getattr(import_module(f"notifier_client._async.{_ASYNC[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("aiohttp", "yarl"):
            raise
        raise ModuleNotFoundError(
            f"{name} needs aiohttp: pip install 'notifier-client[async]'", name=error.name
        ) from error


__all__ = [
    "REMOVE",
    "Acknowledged",
    "Acknowledgement",
    "Added",
    "ApiKey",
    "AsyncInboxClient",
    "AsyncNotifierClient",
    "Attempt",
    "AuditEvent",
    "AuthenticationError",
    "BatchResult",
    "BulkAction",
    "Category",
    "CategoryRetention",
    "ChannelDryRun",
    "Conflict",
    "ConnectionFailed",
    "Contact",
    "DayOfDeliveries",
    "DayOfNotifications",
    "DeadLetter",
    "Delivery",
    "Device",
    "DigestChoice",
    "Draft",
    "DryRun",
    "Erasure",
    "Explanation",
    "FallbackStep",
    "FrequencyCap",
    "Group",
    "Hour",
    "InboxClient",
    "InboxEvent",
    "InboxItem",
    "InvalidRequest",
    "Marked",
    "Me",
    "Member",
    "Message",
    "MyCategory",
    "MyTopic",
    "NotAllowed",
    "NotFound",
    "Notification",
    "NotifierClient",
    "NotifierError",
    "Now",
    "Preference",
    "Preview",
    "QuietHours",
    "QuietWindow",
    "Quota",
    "RateLimited",
    "Receipt",
    "Recipient",
    "RecipientResult",
    "Redriven",
    "Remove",
    "Removed",
    "RequestLimit",
    "Retention",
    "Schedule",
    "ScheduleRun",
    "Sentence",
    "StatusWebhook",
    "StepDryRun",
    "StillSending",
    "StreamTicket",
    "Subscriber",
    "Subscription",
    "SubscriptionResult",
    "Suppression",
    "Template",
    "TemplateContent",
    "TemplateVersion",
    "Topic",
    "TopicStatistics",
    "Unavailable",
    "Usage",
    "WebhookTest",
]
