"""Admin pages of notifications and deliveries, the start page, and the explanation page.

- In: requests of operators. Topics and recipients are here because their pages show deliveries.
- Out: calls of ``operations``, ``flow``, ``state`` and other apps' services, each change audited.
- Imported by Django's admin and by ``config.operators``.
"""

from apps.delivery.admin import (  # noqa: F401
    chunks,
    dead_letters,
    deliveries,
    notifications,
    recipients,
    replies,
    status_webhooks,
    topics,
)
