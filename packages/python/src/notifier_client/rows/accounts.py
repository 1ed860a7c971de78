"""API keys, and events of the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifier_client.rows.base import TIME, TUPLE


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key. ``key``: the key itself, shown once, when it is created."""

    prefix: str
    name: str = ""
    scopes: tuple[str, ...] = field(default=(), metadata=TUPLE)
    created_at: datetime | None = field(default=None, metadata=TIME)
    expires_at: datetime | None = field(default=None, metadata=TIME)
    revoked_at: datetime | None = field(default=None, metadata=TIME)
    last_used_at: datetime | None = field(default=None, metadata=TIME)
    made_by: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A change: who made it, when and from where, and the object before and after."""

    at: datetime = field(metadata=TIME)
    actor_kind: str
    actor: str
    action: str
    object_type: str
    object_name: str
    remote_address: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
