"""Requests and answers of the client, as frozen dataclasses."""

from notifier_client.rows.accounts import ApiKey, AuditEvent
from notifier_client.rows.choices.categories import Category, MyCategory, MyTopic
from notifier_client.rows.choices.digests import DigestChoice
from notifier_client.rows.choices.frequency_caps import FrequencyCap
from notifier_client.rows.choices.quiet_hours import QuietHours, QuietWindow
from notifier_client.rows.dead_letters import BulkAction, DeadLetter, Redriven
from notifier_client.rows.dry_runs import ChannelDryRun, DryRun, StepDryRun
from notifier_client.rows.groups import Added, Group, Member, Removed
from notifier_client.rows.inbox import InboxEvent, InboxItem, Marked, Me, StreamTicket
from notifier_client.rows.notifications import (
    Acknowledged,
    Acknowledgement,
    Attempt,
    BatchResult,
    Delivery,
    Draft,
    Explanation,
    FallbackStep,
    Message,
    Notification,
    Receipt,
    Sentence,
)
from notifier_client.rows.recipients import (
    REMOVE,
    Contact,
    Device,
    Erasure,
    Preference,
    Recipient,
    RecipientResult,
    Remove,
)
from notifier_client.rows.schedules import Schedule, ScheduleRun
from notifier_client.rows.statistics import (
    CategoryRetention,
    DayOfDeliveries,
    DayOfNotifications,
    Hour,
    Now,
    Quota,
    RequestLimit,
    Retention,
    TopicStatistics,
    Usage,
)
from notifier_client.rows.status_webhooks import StatusWebhook, WebhookTest
from notifier_client.rows.suppressions import Suppression
from notifier_client.rows.templates import Preview, Template, TemplateContent, TemplateVersion
from notifier_client.rows.topics import Subscriber, Subscription, SubscriptionResult, Topic

__all__ = [
    "REMOVE",
    "Acknowledged",
    "Acknowledgement",
    "Added",
    "ApiKey",
    "Attempt",
    "AuditEvent",
    "BatchResult",
    "BulkAction",
    "Category",
    "CategoryRetention",
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
    "Erasure",
    "Explanation",
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
    "MyTopic",
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
    "Retention",
    "Schedule",
    "ScheduleRun",
    "Sentence",
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
