"""Migrations keep existing keys working."""

from importlib import import_module
from typing import Any

from django.apps import apps

from apps.publishers import services
from apps.publishers.models import ApiKey, AuditEvent, Publisher

FAMILIES = import_module("apps.publishers.migrations.0004_key_families")
SCOPES = import_module("apps.publishers.migrations.0005_directory_scopes")


def key(shop: Publisher, *scopes: str) -> ApiKey:
    return services.create_key(shop.pk, scopes or ["topics:read"], made_by="")[0]


def event(actor: str, action: str, name: str, after: dict[str, Any] | None = None) -> None:
    AuditEvent.objects.create(
        actor_kind="publisher",
        actor=actor,
        action=action,
        object_type="api_key",
        object_name=name,
        after=after,
    )


def test_scopes_have_their_new_names_and_back(db: None):
    shop = Publisher.objects.create(name="shop")
    row = key(shop, "recipients:write", "recipients:read", "topics:read")
    other = key(shop, "topics:write")
    SCOPES.rename(apps, None)
    row.refresh_from_db()
    assert row.scopes == ["directory:read", "directory:write", "topics:read"]
    SCOPES.back(apps, None)
    for one in (row, other):
        one.refresh_from_db()
    assert row.scopes == ["recipients:read", "recipients:write", "topics:read"]
    assert other.scopes == ["topics:write"]


def test_the_audit_trail_says_who_made_a_key_and_an_upgrade_ends_none(db: None):
    shop = Publisher.objects.create(name="shop")
    first, child, second, stolen, old = (key(shop) for _ in range(5))
    event("manage.py", "create", first.prefix)
    event(first.prefix, "create", child.prefix, {"name": ""})
    event(first.prefix, "rotate", first.prefix, {"replaced_by": second.prefix})
    event(child.prefix, "rotate", first.prefix, {"replaced_by": stolen.prefix})
    event("gone", "create", "nobody")
    FAMILIES.link(apps, None)
    for one in (first, child, second, stolen, old):
        one.refresh_from_db()
    assert [one.made_by for one in (first, child, second, stolen, old)] == [
        "manage.py",
        first.prefix,
        first.prefix,
        child.prefix,
        "",
    ]
    assert first.identity == second.identity == stolen.identity != old.identity
    assert (second.ends_with, child.ends_with) == ([], [first.identity])
    assert set(stolen.ends_with) == {first.identity, child.identity}
    assert not ApiKey.objects.exclude(revoked_at=None).exists()
    assert set(services.revoke_key(child)) == {child.prefix, stolen.prefix}
