"""The periodic tasks of a new installation.

django-celery-beat copies them into its tables, where operators may change them.
"""

from typing import Any

from notifier.domain.queues import RECEIPTS

#: ``schedule`` and ``expires`` are seconds. A run that no worker took before it expires is dropped:
#: the next one does its work.
SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep": {"task": "delivery.sweep", "schedule": 1.0, "options": {"expires": 5}},
    "confirmations": {
        "task": "delivery.confirmations",
        "schedule": 1.0,
        "options": {"expires": 5},
    },
    "receipts": {
        "task": "delivery.receipts",
        "schedule": 1.0,
        "options": {"expires": 5, "queue": RECEIPTS},
    },
    "schedules": {"task": "schedules.run", "schedule": 1.0, "options": {"expires": 5}},
    "purge": {"task": "delivery.purge", "schedule": 600.0, "options": {"expires": 600}},
    "purge-notifications": {
        "task": "delivery.purge_notifications",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "wake-inboxes": {"task": "inbox.wake", "schedule": 5.0, "options": {"expires": 5}},
    "purge-inboxes": {"task": "inbox.purge", "schedule": 600.0, "options": {"expires": 600}},
    "erasures": {"task": "privacy.erase", "schedule": 5.0, "options": {"expires": 5}},
    "purge-erasures": {"task": "privacy.purge", "schedule": 600.0, "options": {"expires": 600}},
    "bulk-actions": {"task": "bulk.work", "schedule": 1.0, "options": {"expires": 5}},
    "purge-bulk-actions": {"task": "bulk.purge", "schedule": 600.0, "options": {"expires": 600}},
    "age": {"task": "delivery.age", "schedule": 60.0, "options": {"expires": 60}},
    "purge-runs": {"task": "schedules.purge", "schedule": 600.0, "options": {"expires": 600}},
}
