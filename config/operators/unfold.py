"""The admin's theme and sidebar (django-unfold)."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

_COLOURS = {
    "50": "oklch(97.7% .013 236.62)",
    "100": "oklch(95.1% .026 236.824)",
    "200": "oklch(90.1% .058 230.902)",
    "300": "oklch(82.8% .111 230.318)",
    "400": "oklch(74.6% .16 232.661)",
    "500": "oklch(68.5% .169 237.323)",
    "600": "oklch(50% .134 242.749)",  # links, and buttons with white text: 5.9 to 1 on white
    "700": "oklch(46% .122 241.8)",
    "800": "oklch(42.5% .105 240.8)",
    "900": "oklch(39.1% .09 240.876)",
    "950": "oklch(29.3% .066 243.157)",
}


def _item(title: str, icon: str, name: str, *permissions: str) -> dict[str, object]:
    """Return a link of the sidebar, shown to users with all ``permissions``."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{name}"),
        "permission": lambda request: request.user.has_perms(permissions),
    }


def _list(title: str, icon: str, app: str, model: str) -> dict[str, object]:
    return _item(title, icon, f"{app}_{model}_changelist", f"{app}.view_{model}")


def _on_notifications(request: HttpRequest) -> bool:
    """Return whether the page belongs to the Notifications link, and not to one below its path."""
    path = request.path
    others = ("why", "lost_addresses", "held", "charts")
    return path.startswith(reverse("admin:delivery_notification_changelist")) and not any(
        path.startswith(reverse(f"admin:{name}")) for name in others
    )


def _account_links(request: HttpRequest) -> list[dict[str, str]]:
    """Return the links of the menu with the operator's name."""
    if not request.user.is_authenticated:
        return []
    links = [("Second factor", "second_factor"), ("Sessions", "sessions")]
    if request.user.has_usable_password() and not hasattr(request.user, "identity"):
        links.insert(0, ("Change password", "password_change"))
    return [{"title": title, "link": reverse(f"admin:{name}")} for title, name in links]


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Notifier",
    "SITE_HEADER": "Notifier",
    "SITE_SYMBOL": "notifications",
    "SITE_URL": None,
    "SHOW_HISTORY": False,  # the audit trail has it
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"primary": _COLOURS},
    "STYLES": [lambda request: static("operators/operators.css")],
    "SCRIPTS": [
        lambda request: static("operators/operators.js"),
        lambda request: static("operators/charts.js"),
        lambda request: static("operators/progress.js"),
    ],
    "DASHBOARD_CALLBACK": "apps.alerts.start_page.context",
    "ACCOUNT": {"navigation": _account_links},
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Now",
                "items": [
                    _item("Start page", "speed", "index"),
                    _item("Charts", "monitoring", "charts", "delivery.view_delivery"),
                ],
            },
            {
                "title": "Deliveries",
                "separator": True,
                "items": [
                    _list("Notifications", "campaign", "delivery", "notification")
                    | {"active": _on_notifications},
                    _list("Deliveries", "send", "delivery", "delivery"),
                    _list("Dead letters", "mail_off", "delivery", "deadletter"),
                    _item(
                        *("Why did they (not) get it?", "help", "why"),
                        *("delivery.view_delivery", "preferences.view_recipient"),
                    ),
                    _list("Bulk actions", "checklist", "bulk", "bulkaction"),
                    _item("Held after a restore", "pause", "held", "delivery.view_delivery"),
                    _list("Schedules", "event_repeat", "schedules", "schedule"),
                ],
            },
            {
                "title": "Topics",
                "separator": True,
                "items": [
                    _list("Topics", "topic", "topics", "topic"),
                    _list("Subscriptions", "how_to_reg", "topics", "subscription"),
                    _list("Templates", "article", "content", "template"),
                ],
            },
            {
                "title": "People",
                "separator": True,
                "items": [
                    _list("Recipients", "person", "preferences", "recipient"),
                    _list("Contacts", "contact_mail", "preferences", "contact"),
                    _list("Preferences", "tune", "preferences", "preference"),
                    _list("Categories", "category", "preferences", "category"),
                    _list("Groups", "groups", "preferences", "group"),
                    _list("Suppressions", "block", "preferences", "suppression"),
                    _list("Replies", "reply", "delivery", "reply"),
                    _item(
                        *("Lost addresses", "link_off", "lost_addresses"),
                        *("preferences.view_contact", "preferences.view_suppression"),
                    ),
                    _list("Changes", "history", "preferences", "directorychange"),
                    _list("Erasures", "person_remove", "privacy", "erasure"),
                ],
            },
            {
                "title": "Publishers",
                "separator": True,
                "items": [
                    _list("Publishers", "storefront", "publishers", "publisher"),
                    _list("API keys", "key", "publishers", "apikey"),
                    _list("Status webhooks", "webhook", "delivery", "statuswebhook"),
                    _list("Audit trail", "history", "publishers", "auditevent"),
                ],
            },
            {
                "title": "System",
                "separator": True,
                "collapsible": True,
                "items": [
                    _list("Operators", "badge", "auth", "user"),
                    _list("Roles", "groups", "auth", "group"),
                    _list("Retention rules", "auto_delete", "delivery", "retentionrule"),
                    _list("Alerts", "warning", "alerts", "alert"),
                    _list("Silences", "notifications_off", "alerts", "silence"),
                ],
            },
            {
                "title": "Internals",
                "separator": True,
                "collapsible": True,
                "items": [
                    _list("Chunks", "view_module", "delivery", "chunk"),
                    _list("Periodic tasks", "schedule", "django_celery_beat", "periodictask"),
                ],
            },
        ],
    },
}
