"""What an API key may be allowed to do."""

from enum import StrEnum


class Scope(StrEnum):
    NOTIFICATIONS_WRITE = "notifications:write"
    NOTIFICATIONS_READ = "notifications:read"
    TOPICS_WRITE = "topics:write"
    TOPICS_READ = "topics:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    RECIPIENTS_WRITE = "recipients:write"
    RECIPIENTS_READ = "recipients:read"
    TEMPLATES_WRITE = "templates:write"
    TEMPLATES_READ = "templates:read"
    GROUPS_WRITE = "groups:write"
    GROUPS_READ = "groups:read"
    SUPPRESSIONS_WRITE = "suppressions:write"
    SUPPRESSIONS_READ = "suppressions:read"
    WEBHOOKS_WRITE = "webhooks:write"
    WEBHOOKS_READ = "webhooks:read"
    AUDIT_READ = "audit:read"
    KEYS_WRITE = "keys:write"
