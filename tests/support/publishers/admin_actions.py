"""Buttons of the admin, pressed over HTTP, and what the audit trail has of them."""

from typing import Any

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
