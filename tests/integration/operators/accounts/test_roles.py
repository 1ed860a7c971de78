"""Each ready-made role may do what docs/admin.md says, and nothing else."""

import importlib
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.bulk.models import BulkAction
from apps.delivery.models import Notification
from apps.operators import roles
from apps.preferences.models import Preference, Recipient
from tests.browser.registered_actions import registered
from tests.integration.api.conftest import api, fresh_lookups, other, publisher
from tests.support.pages import ROOT
from tests.support.publishers.api_client import Api
from tests.support.publishers.publisher_objects import create_one_of_everything

__all__ = ["api", "fresh_lookups", "other", "publisher"]  # fixtures

RENAMING = "apps.publishers.migrations.0009_names_of_roles"
CRUD = ("view", "add", "change", "delete")
#: Models that superusers alone change.
OF_SUPERUSERS = {"auth.user", "auth.group"}
#: Rights of actions whose permission does not follow from the model and Django's verb.
REDRIVE = "redrive dead letters, and try now what waits"
CANCEL = "cancel and move notifications"
LOST = "restore lost addresses; lift all suppressions that match"
MANY = "send notifications again; cancel all that match; release or cancel what is held"
PROVIDERS = "pause and resume providers, close breakers"
WISHES = (
    "change what a person wants: language, zone, quiet hours, contacts, preferences, subscriptions"
)
TOPICS = "add, change and pause topics; pause, skip and run schedules"
SUPPRESSIONS = "suppress addresses and lift suppressions, each with a reason"
TEMPLATES = "write and delete templates, and send one to oneself"
WEBHOOKS = "test and enable status webhooks"
PUBLISHERS = "add publishers, change their limits, disable them; make, limit and revoke API keys"
TASKS = "change and run periodic tasks"
RIGHT_OF = {
    "bulk.bulkaction do_abort": REDRIVE,
    "bulk.bulkaction url begin_bulk_action": REDRIVE,
    "content.template do_delete": TEMPLATES,
    "content.template do_edit": TEMPLATES,
    "content.template url content_edit": TEMPLATES,
    "delivery.deadletter action redrive": REDRIVE,
    "delivery.delivery do_redrive": REDRIVE,
    "delivery.notification do_cancel": CANCEL,
    "delivery.notification do_move": CANCEL,
    "delivery.notification do_replay": MANY,
    "delivery.notification url end_held": MANY,
    "delivery.notification url host_close": PROVIDERS,
    "delivery.notification url provider_switch": PROVIDERS,
    "delivery.notification url test_send": TEMPLATES,
    "delivery.statuswebhook do_enable": WEBHOOKS,
    "delivery.statuswebhook do_test": WEBHOOKS,
    "django_celery_beat.periodictask action disable_tasks": TASKS,
    "django_celery_beat.periodictask action enable_tasks": TASKS,
    "django_celery_beat.periodictask action run_tasks": TASKS,
    "django_celery_beat.periodictask action toggle_tasks": TASKS,
    "preferences.contact do_disable": WISHES,
    "preferences.contact do_enable": WISHES,
    "preferences.contact do_reveal": "reveal an address",
    "preferences.preference do_withdraw": WISHES,
    "preferences.recipient do_erase": "erase a person",
    "preferences.suppression do_lift": SUPPRESSIONS,
    "publishers.apikey action revoke": PUBLISHERS,
    "publishers.apikey action revoke_family": PUBLISHERS,
    "publishers.publisher do_disable": PUBLISHERS,
    "publishers.publisher do_enable": PUBLISHERS,
    "schedules.schedule do_pause": TOPICS,
    "schedules.schedule do_resume": TOPICS,
    "schedules.schedule do_run": TOPICS,
    "schedules.schedule do_skip": TOPICS,
    "topics.topic do_pause": TOPICS,
    "topics.topic do_resume": TOPICS,
}


def table() -> dict[str, set[str]]:
    """The roles of each right, as docs/admin.md has them."""
    text = (ROOT / "docs/admin.md").read_text().partition("## Roles")[2].partition("\n## ")[0]
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return {
        row[0]: {role for role, mark in zip(head[1:], row[1:], strict=True) if mark} for row in rows
    }


def member(role: str) -> User:
    user = User.objects.create_user(f"a-{role}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def asks(user: Any) -> Any:
    return SimpleNamespace(user=user, GET={}, method="GET")


@pytest.fixture
def migrated(db: None) -> None:
    """The database as ``migrate`` leaves it."""
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")


def test_the_table_of_roles_is_the_one_in_the_code():
    assert table() == {right.what: set(right.roles) for right in roles.RIGHTS}


def test_a_role_has_its_permissions_and_no_others(migrated):
    for role in roles.ROLES:
        held = Group.objects.get(name=role).permissions.values_list(
            "content_type__app_label", "codename"
        )
        assert {".".join(one) for one in held} == roles.permissions_of(role)


def test_a_role_is_in_step_after_each_migration(migrated):
    role = Group.objects.get(name="auditor")
    was = set(role.permissions.all())
    role.permissions.set(Permission.objects.filter(codename="delete_user"))
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert set(role.permissions.all()) == was


def test_a_group_that_had_the_name_of_a_role_keeps_what_it_may_do_under_another(db):
    Group.objects.all().delete()
    own = Group.objects.create(name="support")
    Group.objects.create(name="support (own)")
    own.permissions.set(Permission.objects.filter(codename="view_topic"))
    importlib.import_module(RENAMING).rename(apps, None)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    own.refresh_from_db()
    assert own.name == "support (own)'"
    assert [one.codename for one in own.permissions.all()] == ["view_topic"]
    assert "view_topic" in Group.objects.get(name="support").permissions.values_list(
        "codename", flat=True
    )


def test_ready_made_roles_keep_their_names_where_the_migration_is_run_again(migrated):
    importlib.import_module(RENAMING).rename(apps, None)
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)


def test_a_group_keeps_its_permissions_until_the_migration_that_renames_it(db):
    Group.objects.all().delete()
    own = Group.objects.create(name="support")
    own.permissions.set(Permission.objects.filter(codename="view_topic"))
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(*roles.RENAMED_BY)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert [one.codename for one in own.permissions.all()] == ["view_topic"]
    assert Group.objects.count() == 1
    recorder.record_applied(*roles.RENAMED_BY)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert Group.objects.count() == len(roles.ROLES)


def test_every_model_of_the_admin_is_in_the_table():
    superuser = asks(User(is_superuser=True, is_active=True, is_staff=True))
    granted = {one for right in roles.RIGHTS for one in right.permissions}
    missing = [
        f"{model._meta.app_label}.{verb}_{model._meta.model_name}"
        for model, one in admin.site._registry.items()
        for verb in CRUD
        if getattr(one, f"has_{verb}_permission")(superuser)
        and not (verb != "view" and model._meta.label_lower in OF_SUPERUSERS)
    ]
    assert [one for one in missing if one not in granted] == []


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_role_opens_the_lists_of_its_rights_and_no_other(migrated, role: str):
    user = member(role)
    client = logged_in(user)
    assert client.get(reverse("admin:index")).status_code == 200
    allowed = roles.permissions_of(role)
    for model, one in admin.site._registry.items():
        label, name = model._meta.app_label, model._meta.model_name
        for verb in CRUD:
            asked = f"{label}.{verb}_{name}"
            granted = getattr(one, f"has_{verb}_permission")(asks(user))
            assert not granted or asked in allowed, asked
        seen = client.get(reverse(f"admin:{label}_{name}_changelist")).status_code == 200
        assert seen == (f"{label}.view_{name}" in allowed), f"{role} {label}.{name}"
        added = client.get(reverse(f"admin:{label}_{name}_add")).status_code == 200
        assert added == (f"{label}.add_{name}" in allowed), f"{role} {label}.{name}"


@pytest.fixture
def rows(api: Api, other: Api) -> dict[str, list[Any]]:
    """Rows of each model whose page has buttons, by the model's label."""
    create_one_of_everything(api, other)
    Preference.objects.create(
        recipient=Recipient.objects.get(user_id="ada"), channel="sms", allowed=False
    )
    # One that has ended and did not reach somebody, one that is sent later, and one under way.
    Notification.objects.update(cancelled_at=timezone.now())
    body = {"user_id": "ada", "channels": ["inbox"], "content": {"title": "Hi"}}
    later = (timezone.now() + timedelta(days=1)).isoformat()
    for more in ({"send_at": later}, {}):
        api.post("notifications", body | more, 202)
    BulkAction.objects.create(action="redrive", match={}, asked_by="root")
    return {
        model._meta.label_lower: list(model._default_manager.order_by("pk"))
        for model, one in admin.site._registry.items()
        if hasattr(one, "buttons")
    }


def test_each_action_has_a_right(db):
    other_than_django = {
        action
        for action in registered()
        if action.partition(" ")[2] not in (*CRUD, "action delete_selected")
        and not action.startswith(("site ", "auth.", "content.templateversion url content_preview"))
    }
    assert other_than_django == set(RIGHT_OF)


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_role_presses_the_buttons_of_its_rights_and_no_other(
    migrated, rows: dict[str, list[Any]], role: str
):
    user, superuser = member(role), User.objects.create_superuser("root")
    rights = table()
    pressed = set()
    for model, one in admin.site._registry.items():
        label = model._meta.label_lower
        offered = {
            name: _offered(one, asks(person), rows.get(label, []))
            for name, person in (("role", user), ("root", superuser))
        }
        for verb in offered["root"]:
            action = f"{label} {verb}"
            if verb == "action delete_selected":
                permission = f"{model._meta.app_label}.delete_{model._meta.model_name}"
                wanted = permission in roles.permissions_of(role)
            else:
                wanted = role in rights[RIGHT_OF[action]]
                pressed.add(action)
            assert (verb in offered["role"]) == wanted, f"{role} {action}"
        assert offered["role"] <= offered["root"]
    shown = {
        name for name in RIGHT_OF if " url " not in name and not name.endswith(("enable", "resume"))
    }
    assert shown <= pressed, "no row has this button"


def _offered(one: Any, request: Any, rows: list[Any]) -> set[str]:
    """The buttons of these rows and the actions of their list that a request is offered."""
    found = {f"action {name}" for name in one.get_actions(request)}
    return found | {f"do_{button.verb}" for row in rows for button in one.buttons(request, row)}


@pytest.mark.parametrize("role", roles.ROLES)
@pytest.mark.parametrize(
    ("page", "arguments", "right"),
    [
        ("begin_bulk_action", ["cancel"], MANY),
        ("begin_bulk_action", ["redrive"], REDRIVE),
        ("begin_bulk_action", ["release"], REDRIVE),
        ("begin_bulk_action", ["restore"], LOST),
        ("begin_bulk_action", ["lift"], LOST),
        ("content_edit", [7], TEMPLATES),
        ("end_held", [], MANY),
        ("host_close", [], PROVIDERS),
        ("provider_switch", ["twilio", "pause"], PROVIDERS),
        ("test_send", [7], TEMPLATES),
    ],
)
def test_a_role_posts_to_the_pages_of_its_rights_and_no_other(
    migrated, role: str, page: str, arguments: list[str], right: str
):
    url = reverse(f"admin:{page}", args=arguments)
    answer = logged_in(member(role)).post(url, {})
    assert (answer.status_code != 403) == (role in table()[right])


def test_a_person_of_two_roles_may_do_what_either_may(migrated):
    user = member("developer")
    user.groups.add(Group.objects.get(name="support"))
    allowed = {*roles.permissions_of("developer"), *roles.permissions_of("support")}
    assert User.objects.get(pk=user.pk).get_all_permissions() == allowed


def test_nobody_changes_a_ready_made_role(migrated):
    superuser = logged_in(User.objects.create_superuser("root"))
    role = Group.objects.get(name="support")
    change, delete = (
        reverse(f"admin:auth_group_{name}", args=[role.pk]) for name in ("change", "delete")
    )
    shown = superuser.get(change).content.decode()
    assert "Somebody who answers people" in shown and SUPPRESSIONS in shown
    assert superuser.post(change, {"name": "other"}).status_code == 403
    assert superuser.post(delete, {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [role.pk], "post": "yes"}
    superuser.post(reverse("admin:auth_group_changelist"), chosen)
    assert Group.objects.get(pk=role.pk).permissions.exists()
    made = superuser.post(reverse("admin:auth_group_add"), {"name": "of-our-own"})
    assert made.status_code == 302
    own = Group.objects.get(name="of-our-own")
    url = reverse("admin:auth_group_change", args=[own.pk])
    assert superuser.post(url, {"name": "renamed"}).status_code == 302


def test_a_new_operator_gets_a_role_on_the_page_that_adds_them(migrated):
    superuser = logged_in(User.objects.create_superuser("root"))
    role = Group.objects.get(name="support")
    typed = {"username": "nina", "usable_password": "true", "is_staff": "on", "groups": [role.pk]}
    typed |= {"password1": "corn horse bat 9", "password2": "corn horse bat 9"}
    assert superuser.post(reverse("admin:auth_user_add"), typed).status_code == 302
    nina = User.objects.get(username="nina")
    assert nina.is_staff and nina.has_perm("preferences.delete_suppression")
    assert "support" in superuser.get(reverse("admin:auth_user_changelist")).content.decode()
