"""Requests and answers of the client, as frozen dataclasses."""

from notifier.client.rows.accounts import ApiKey, AuditEvent
from notifier.client.rows.choices.categories import Category, MyCategory
from notifier.client.rows.choices.digests import DigestChoice
from notifier.client.rows.choices.frequency_caps import FrequencyCap
from notifier.client.rows.choices.quiet_hours import QuietHours, QuietWindow
from notifier.client.rows.dead_letters import DeadLetter, Redriven
from notifier.client.rows.dry_runs import ChannelDryRun, DryRun, StepDryRun
from notifier.client.rows.groups import Added, Group, Member, Removed
from notifier.client.rows.inbox import InboxEvent, InboxItem, Marked, Me, StreamTicket
from notifier.client.rows.notifications import (
    Acknowledged,
    Acknowledgement,
    Attempt,
    BatchResult,
    Delivery,
    Draft,
    FallbackStep,
    Message,
    Notification,
    Receipt,
)
from notifier.client.rows.recipients import (
    REMOVE,
    Contact,
    Device,
    Preference,
    Recipient,
    RecipientResult,
    Remove,
)
from notifier.client.rows.schedules import Schedule, ScheduleRun
from notifier.client.rows.statistics import (
    DayOfDeliveries,
    DayOfNotifications,
    Hour,
    Now,
    Quota,
    RequestLimit,
    TopicStatistics,
    Usage,
)
from notifier.client.rows.status_webhooks import StatusWebhook, WebhookTest
from notifier.client.rows.suppressions import Suppression
from notifier.client.rows.templates import Preview, Template, TemplateContent, TemplateVersion
from notifier.client.rows.topics import Subscriber, Subscription, SubscriptionResult, Topic

__all__ = [
    "REMOVE",
    "Acknowledged",
    "Acknowledgement",
    "Added",
    "ApiKey",
    "Attempt",
    "AuditEvent",
    "BatchResult",
    "Category",
    "ChannelDryRun",
    "Contact",
    "DayOfDeliveries",
    "DayOfNotifications",
    "DeadLetter",
    "Delivery",
    "Device",
    "DigestChoice",
    "Draft",
    "DryRun",
    "FallbackStep",
    "FrequencyCap",
    "Group",
    "Hour",
    "InboxEvent",
    "InboxItem",
    "Marked",
    "Me",
    "Member",
    "Message",
    "MyCategory",
    "Notification",
    "Now",
    "Preference",
    "Preview",
    "QuietHours",
    "QuietWindow",
    "Quota",
    "Receipt",
    "Recipient",
    "RecipientResult",
    "Redriven",
    "Remove",
    "Removed",
    "RequestLimit",
    "Schedule",
    "ScheduleRun",
    "StatusWebhook",
    "StepDryRun",
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
    "Usage",
    "WebhookTest",
]
