"""Ready-made roles of operators: who may do what.

Each is a group of Django's (``auth_group``), written after every ``migrate``: a permission that a
new version adds reaches the roles that have it, and one that it takes away leaves them. What no
role has (operators and roles themselves) is left to superusers.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.recorder import MigrationRecorder

SUPPORT, OPERATOR, DEVELOPER, AUDITOR = "support", "operator", "developer", "auditor"
#: The purpose of each role, as pages and docs show it.
ROLES = {
    SUPPORT: "answers people who ask why they got something, or did not",
    OPERATOR: "runs the service",
    DEVELOPER: "has a service of theirs post notifications; sees no person",
    AUDITOR: "sees everything but titles and addresses, and changes nothing",
}


#: The migration that frees the names of the roles: until then they may be an operator's own groups.
RENAMED_BY = ("publishers", "0009_names_of_roles")


class Right(NamedTuple):
    """Something that some roles may do.

    ``permissions`` are Django's, as ``app_label.codename``. ``docs/admin.md`` has ``what``.
    """

    what: str
    permissions: Collection[str]
    roles: Collection[str]


def _each(model: str, *verbs: str) -> list[str]:
    label, name = model.split(".")
    return [f"{label}.{verb}_{name}" for verb in verbs]


_PERIODIC = [
    f"django_celery_beat.{name}"
    for name in (
        *("periodictask", "intervalschedule", "crontabschedule"),
        *("solarschedule", "clockedschedule"),
    )
]

RIGHTS = (
    Right(
        "see notifications, deliveries, dead letters, bulk actions, schedules, topics, templates, "
        "categories and publishers",
        [
            *("delivery.view_notification", "delivery.view_delivery", "delivery.view_deadletter"),
            *("schedules.view_schedule", "topics.view_topic", "content.view_template"),
            *("content.view_templateversion", "preferences.view_category"),
            *("publishers.view_publisher", "bulk.view_bulkaction"),
        ],
        ROLES,
    ),
    Right(
        "see people: recipients, contacts (masked), subscriptions, preferences, groups, "
        "suppressions, replies, changes, erasures, and why somebody got something",
        [
            *("preferences.view_recipient", "preferences.view_contact"),
            *("topics.view_subscription", "preferences.view_preference", "preferences.view_group"),
            *("preferences.view_suppression", "delivery.view_reply"),
            *("preferences.view_directorychange", "privacy.view_erasure"),
        ],
        (SUPPORT, OPERATOR, AUDITOR),
    ),
    Right(
        "see API keys (never their secrets) and status webhooks",
        ["publishers.view_apikey", "delivery.view_statuswebhook"],
        (OPERATOR, DEVELOPER, AUDITOR),
    ),
    Right(
        "see the audit trail, retention rules, periodic tasks and chunks",
        [
            *("publishers.view_auditevent", "delivery.view_retentionrule", "delivery.view_chunk"),
            *(permission for model in _PERIODIC for permission in _each(model, "view")),
        ],
        (OPERATOR, AUDITOR),
    ),
    Right("see alerts", ["alerts.view_alert", "alerts.view_silence"], (OPERATOR, AUDITOR)),
    Right("silence alerts", _each("alerts.silence", "add", "change", "delete"), (OPERATOR,)),
    Right("see operators and roles", ["auth.view_user", "auth.view_group"], (AUDITOR,)),
    Right("read the titles of notifications", ["delivery.read_title"], (SUPPORT, OPERATOR)),
    Right("reveal an address", ["preferences.reveal_contact"], (SUPPORT, OPERATOR)),
    Right(
        "change what a person wants: language, zone, quiet hours, contacts, preferences, "
        "subscriptions",
        [
            *("preferences.change_recipient", "preferences.change_contact"),
            *_each("preferences.preference", "add", "change", "delete"),
            "topics.delete_subscription",
        ],
        (SUPPORT, OPERATOR),
    ),
    Right(
        "restore lost addresses; lift all suppressions that match",
        [
            *("preferences.change_contact", "preferences.delete_suppression"),
            "delivery.change_deadletter",
        ],
        (OPERATOR,),
    ),
    Right(
        "suppress addresses and lift suppressions, each with a reason",
        _each("preferences.suppression", "add", "delete"),
        (SUPPORT, OPERATOR),
    ),
    Right("erase a person", ["preferences.delete_recipient"], (OPERATOR,)),
    Right("cancel and move notifications", ["delivery.change_notification"], (SUPPORT, OPERATOR)),
    Right(
        "send notifications again; cancel all that match; release or cancel what is held",
        ["delivery.change_notification", "delivery.change_deadletter"],
        (OPERATOR,),
    ),
    Right(
        "redrive dead letters, and try now what waits",
        ["delivery.change_deadletter", "delivery.change_delivery"],
        (OPERATOR, DEVELOPER),
    ),
    Right(
        "add, change and pause topics; pause, skip and run schedules",
        ["topics.add_topic", "topics.change_topic", "schedules.change_schedule"],
        (OPERATOR, DEVELOPER),
    ),
    Right(
        "write and delete templates, and send one to oneself",
        _each("content.template", "add", "change"),
        (OPERATOR, DEVELOPER),
    ),
    Right(
        "test and enable status webhooks", ["delivery.change_statuswebhook"], (OPERATOR, DEVELOPER)
    ),
    Right(
        "pause and resume providers, close breakers",
        ["delivery.change_providerswitch"],
        (OPERATOR,),
    ),
    Right(
        "add, change and delete categories and retention rules; change and delete groups; "
        "delete topics",
        [
            *_each("preferences.category", "add", "change", "delete"),
            *_each("delivery.retentionrule", "add", "change", "delete"),
            *_each("preferences.group", "change", "delete"),
            "topics.delete_topic",
        ],
        (OPERATOR,),
    ),
    Right(
        "add publishers, change their limits, disable them; make, limit and revoke API keys",
        [
            *_each("publishers.publisher", "add", "change"),
            *_each("publishers.apikey", "add", "change"),
        ],
        (OPERATOR,),
    ),
    Right(
        "change and run periodic tasks",
        [p for model in _PERIODIC for p in _each(model, "add", "change", "delete")],
        (OPERATOR,),
    ),
    Right("use Flower, which can stop workers", ["signin.use_flower"], (OPERATOR,)),
)


def permissions_of(role: str) -> set[str]:
    """Return a role's permissions, as ``app_label.codename``."""
    return {one for right in RIGHTS if role in right.roles for one in right.permissions}


def keep_in_step(
    app_config: AppConfig, apps: Any = installed_apps, using: str = DEFAULT_DB_ALIAS, **_: object
) -> None:
    """Give each role exactly its permissions on the models of one app (``post_migrate``).

    Not before the migration that frees the roles' names, as where one app alone is migrated.
    """
    recorder = MigrationRecorder(connections[using])
    app, name = RENAMED_BY
    if not recorder.has_table() or not recorder.migration_qs.filter(app=app, name=name).exists():
        return
    try:
        permissions = apps.get_model("auth", "Permission").objects
        groups = apps.get_model("auth", "Group").objects
    except LookupError:  # the tables of django.contrib.auth are not there yet
        return
    of_app = {
        f"{app_config.label}.{codename}": key
        for key, codename in permissions.filter(
            content_type__app_label=app_config.label
        ).values_list("pk", "codename")
    }
    for role in ROLES:
        wanted = {of_app[name] for name in permissions_of(role) & of_app.keys()}
        kept = groups.get_or_create(name=role)[0].permissions
        held = set(
            kept.filter(content_type__app_label=app_config.label).values_list("pk", flat=True)
        )
        if held != wanted:
            kept.remove(*held - wanted)
            kept.add(*wanted - held)


def is_ready_made(group: Group | None) -> bool:
    """Return whether a group is one of the ready-made roles, which ``migrate`` writes."""
    return group is not None and group.name in ROLES
