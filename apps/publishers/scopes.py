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
    KEYS_WRITE = "keys:write"
