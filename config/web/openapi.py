"""The OpenAPI document's title, tags and component names, for drf-spectacular."""

from typing import Any

from config.version import VERSION
from notifier.domain.priorities import Priority


def settings(public_url: str) -> dict[str, Any]:
    """Django's ``SPECTACULAR_SETTINGS``; ``public_url`` becomes the document's only server."""
    return {
        "TITLE": "Notifier",
        "VERSION": VERSION,
        "DESCRIPTION": (
            "Publish what happened: every subscriber is notified once, on the channels they chose."
        ),
        "OAS_VERSION": "3.1.0",
        "SERVERS": [{"url": public_url.rstrip("/"), "description": "this installation"}],
        "CONTACT": {"name": "the operators of this installation", "url": public_url},
        "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "TAGS": [
            {"name": name, "description": meaning}
            for name, meaning in (
                ("Notifications", "Publish notifications, and follow their deliveries."),
                ("Schedules", "Notifications that recur, by a rule."),
                ("Bulk actions", "Act on everything that matches, in the background."),
                ("Topics", "Names that people subscribe to, and who may publish to them."),
                ("Subscriptions", "Which recipients and addresses subscribe to a topic."),
                ("Confirmation", "The owner of an address confirms a subscription."),
                ("Recipients", "People, their addresses and their preferences."),
                ("Categories", "What people choose from: the company's kinds of news."),
                ("Groups", "Named sets of recipients that are notified as one."),
                ("Templates", "Texts of notifications, by channel and locale, in versions."),
                ("Inbox", "A person's messages in the app, opened with their own token."),
                ("Statistics", "Counts of deliveries by state, and a publisher's usage."),
                ("Dead letters", "Deliveries that were given up, and redriving them."),
                ("Status webhooks", "Webhooks that report the states of deliveries."),
                ("Suppressions", "Addresses that nothing is sent to."),
                ("Receipts", "Where providers report what became of messages."),
                ("API keys", "A publisher's own keys."),
                ("Audit", "Who changed what."),
            )
        ],
        "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
        "SERVE_INCLUDE_SCHEMA": False,
        "PATH_CONVERTER_OVERRIDES": {"any_case_uuid": {"type": "string", "format": "uuid"}},
        "SERVE_AUTHENTICATION": [],
        "SERVE_PERMISSIONS": [],
        "SCHEMA_PATH_PREFIX": "/v1",
        "ENUM_NAME_OVERRIDES": {
            "ChannelEnum": "config.settings.CHANNELS",
            "ContactChannelEnum": "apps.preferences.api.fields.contact_channels",
            "QuietChannelEnum": "apps.preferences.quiet_hours.schedules.channels",
            "PriorityEnum": [p.value for p in Priority],
            "ContactStateEnum": ["active", "disabled"],
            "ScheduleStateEnum": ["active", "paused", "ended"],
            "ScheduleRunStateEnum": ["accepted", "failed", "skipped", "missed"],
            "NotificationStateEnum": ["scheduled", "sending", "done", "cancelled"],
        },
        "APPEND_COMPONENTS": {
            "headers": {
                name: {"description": meaning, "schema": {"type": kind}}
                for name, kind, meaning in (
                    ("RateLimit-Limit", "integer", "size of the bucket: requests at once at most"),
                    ("RateLimit-Remaining", "integer", "requests left now"),
                    ("RateLimit-Reset", "integer", "seconds until all of them are left again"),
                    ("Retry-After", "integer", "seconds to wait before the same request"),
                    ("WWW-Authenticate", "string", "the scheme, and what was wrong (RFC 6750)"),
                    ("X-Request-ID", "string", "the request's own, or one that was made for it"),
                )
            }
        },
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
        "REDOC_DIST": "SIDECAR",
    }
