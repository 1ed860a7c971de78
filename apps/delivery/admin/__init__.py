"""What operators see of notifications and deliveries, and do to them.

Topics and recipients are here, too: their pages show what became of what was sent.
"""

from apps.delivery.admin import (  # noqa: F401
    chunks,
    dead_letters,
    deliveries,
    notifications,
    recipients,
    status_webhooks,
    topics,
)
