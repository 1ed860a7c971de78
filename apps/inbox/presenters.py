"""An inbox item as the API and the stream show it."""

import logging
from collections.abc import Iterator

from apps.core.delivery_ids import public_id
from apps.inbox import services
from apps.inbox.models import InboxItem
from apps.inbox.serializers import InboxItemOut
from notifier.domain.messages import Content
from notifier.security.crypto import DecryptionError

log = logging.getLogger(__name__)

_COLUMNS = tuple(InboxItemOut().fields.keys() - set(services.SEALED))


def shown(row: InboxItem) -> dict[str, object]:
    """Return an item's fields, its content decrypted."""
    content = _content(row)
    return {
        **{name: getattr(row, name) for name in _COLUMNS},
        **{name: getattr(content, name) for name in services.SEALED},
    }


def _content(row: InboxItem) -> Content:
    """Return the item's content, empty if it cannot be decrypted or is invalid.

    The other items of the page can still be read then.
    """
    try:
        return services.unseal(row.delivery_id, bytes(row.content))
    except DecryptionError as error:
        _log_unreadable(row, str(error))
    except (TypeError, ValueError) as error:
        _log_unreadable(row, type(error).__name__)
    return Content()


def _log_unreadable(row: InboxItem, why: str) -> None:
    about = {"delivery_id": public_id(row.delivery_id)}
    if row.notification_id is not None:
        about["notification_id"] = str(row.notification_id)
    log.error("inbox item %d cannot be read: %s", row.pk, why, extra=about)


def exported(recipient_id: int) -> Iterator[dict[str, object]]:
    """Yield every item of an inbox, those out of sight included, for an export."""
    rows = InboxItem.objects.filter(recipient=recipient_id).order_by("pk")
    return map(shown, rows.iterator(chunk_size=1_000))
