"""Scopes: what an API key may be allowed to do."""

from enum import StrEnum


class Scope(StrEnum):
    """A right that an API key may have."""

    NOTIFICATIONS_WRITE = "notifications:write"
    NOTIFICATIONS_HIGH = "notifications:high"
    NOTIFICATIONS_CRITICAL = "notifications:critical"
    NOTIFICATIONS_READ = "notifications:read"
    TOPICS_WRITE = "topics:write"
    TOPICS_READ = "topics:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    DIRECTORY_WRITE = "directory:write"
    DIRECTORY_READ = "directory:read"
    DIRECTORY_PERSONAL = "directory:personal"
    CATEGORIES_WRITE = "categories:write"
    CATEGORIES_READ = "categories:read"
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


#: The scopes of a service that posts notifications; a new publisher's first key has them.
PUBLISHING = (
    Scope.NOTIFICATIONS_WRITE,
    Scope.NOTIFICATIONS_HIGH,
    Scope.NOTIFICATIONS_READ,
    Scope.TOPICS_WRITE,
    Scope.TOPICS_READ,
    Scope.SUBSCRIPTIONS_WRITE,
    Scope.SUBSCRIPTIONS_READ,
    Scope.CATEGORIES_READ,
    Scope.TEMPLATES_WRITE,
    Scope.TEMPLATES_READ,
    Scope.GROUPS_WRITE,
    Scope.GROUPS_READ,
    Scope.WEBHOOKS_WRITE,
    Scope.WEBHOOKS_READ,
)
#: The scopes of a service that registers recipients and their contacts.
DIRECTORY = (Scope.DIRECTORY_WRITE, Scope.DIRECTORY_READ)
#: Descriptions of scopes, as in docs/api/authentication.md.
MEANINGS = {
    Scope.NOTIFICATIONS_WRITE: (
        "posting notifications, publishing to topics, notifying groups, writing and running "
        "schedules, cancelling, redriving dead letters"
    ),
    Scope.NOTIFICATIONS_HIGH: (
        "posting at high priority, beside notifications:write; it has a quota of its own"
    ),
    Scope.NOTIFICATIONS_CRITICAL: "posting in a critical category, beside notifications:write",
    Scope.NOTIFICATIONS_READ: (
        "reading notifications, their deliveries, why those went as they did, and dead "
        "letters; schedules and their runs"
    ),
    Scope.TOPICS_WRITE: "making, changing, granting and deleting topics",
    Scope.TOPICS_READ: "reading topics and their statistics",
    Scope.SUBSCRIPTIONS_WRITE: "subscribing and unsubscribing",
    Scope.SUBSCRIPTIONS_READ: "reading who is subscribed",
    Scope.DIRECTORY_WRITE: "registering people, their devices and contacts, and what they refuse",
    Scope.DIRECTORY_READ: "reading people, their devices and contacts, addresses masked",
    Scope.DIRECTORY_PERSONAL: (
        "exporting everything about a person, addresses and contents in clear, and erasing them"
    ),
    Scope.CATEGORIES_WRITE: "changing the company's categories",
    Scope.CATEGORIES_READ: "reading the company's categories",
    Scope.TEMPLATES_WRITE: "making templates and their versions",
    Scope.TEMPLATES_READ: "reading and previewing templates",
    Scope.GROUPS_WRITE: "making groups, adding and removing members",
    Scope.GROUPS_READ: "reading groups and who is in them",
    Scope.SUPPRESSIONS_WRITE: (
        "suppressing an address for the whole installation; lifting what it suppressed itself"
    ),
    Scope.SUPPRESSIONS_READ: "reading suppressions",
    Scope.WEBHOOKS_WRITE: "registering webhooks for the status of deliveries",
    Scope.WEBHOOKS_READ: "reading webhooks for the status of deliveries",
    Scope.AUDIT_READ: "reading who changed what",
    Scope.KEYS_WRITE: "making, rotating and revoking this publisher's keys",
}
#: Former names of scopes that were renamed.
RENAMED = {
    "recipients:write": Scope.DIRECTORY_WRITE,
    "recipients:read": Scope.DIRECTORY_READ,
}


def no_such_scope(name: str) -> str:
    """Return the error message for a scope that does not exist."""
    if name in RENAMED:
        return f"{name} is called {RENAMED[name]} now."
    return f"No such scope: {name}. There are: {', '.join(Scope)}."
