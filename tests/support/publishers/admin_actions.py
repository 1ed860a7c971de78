"""Operators, the admin's buttons pressed over HTTP, and what the audit trail has of them."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from apps.publishers.models import AuditEvent

NEWS = {"content": {"title": "Hello", "body": "World"}}


def do(client: Client, verb: str, row: Any) -> Any:
    """Push the button of this verb on a row's page; the HTTP answer."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_do"
    return client.post(reverse(name, args=[row.pk, verb]))


def events(kind: str) -> list[tuple[str, str, str]]:
    """``(actor, action, object name)`` of each event about this type of object, oldest first."""
    rows = AuditEvent.objects.filter(object_type=kind).order_by("id")
    return [(row.actor, row.action, row.object_name) for row in rows]


@pytest.fixture
def operator(transactional_db: None) -> Client:
    """An operator who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def onlooker(transactional_db: None) -> Client:
    """An operator who may see everything, and change and reveal nothing."""
    user = User.objects.create_user("onlooker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client
