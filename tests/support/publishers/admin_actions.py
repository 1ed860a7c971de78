"""Operators, the admin's buttons pressed over HTTP, and what the audit trail has of them."""

import re
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


def begin(client: Client, action: str, query: str = "", **fields: str) -> str:
    """Push the button above a list, or that of a row, and confirm; the page that it leads to."""
    url = reverse("admin:begin_bulk_action", args=[action]) + query
    page = client.post(url, fields, follow=True).content.decode()
    confirmed = confirmation(page)
    return page if confirmed is None else confirm(client, action, confirmed)


def confirmation(page: str) -> str | None:
    """Return what a confirmation page's button sends; ``None`` of another page."""
    found = re.search(r'name="confirmed" value="([^"]+)"', page)
    return found and found[1]


def confirm(client: Client, action: str, confirmed: str, **fields: str) -> str:
    url = reverse("admin:begin_bulk_action", args=[action])
    answer = client.post(url, {"confirmed": confirmed, **fields}, follow=True)
    return answer.content.decode()


def restore_button(client: Client, provider: str, error: str, since: str) -> dict[str, str]:
    """Return what a provider error's Restore button sends, on the page of what was lost since."""
    page = client.get(reverse("admin:lost_addresses"), {"since": since}).content.decode()
    for form in re.findall(r"<form method=\"post\" action=\"[^\"]*restore/.*?</form>", page, re.S):
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        fields.pop("csrfmiddlewaretoken", None)
        if (fields["provider"], fields["error"]) == (provider, error):
            return fields
    raise AssertionError(f"no button restores {provider} {error}")


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
