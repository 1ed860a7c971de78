"""Send a version of a template to one recipient, to see what it looks like."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.api.problems import Problem
from apps.content.models import TemplateVersion
from apps.delivery.intake.accept import accept
from apps.delivery.intake.bodies import NotificationBody
from apps.delivery.intake.drafts import draft_builder
from apps.preferences import selectors
from apps.preferences.categories import catalogue
from apps.publishers.scopes import Scope
from apps.publishers.selectors import KeySnapshot
from notifier.domain.categories import DEFAULT

#: Scopes under which a test of a template is posted: none by which refusals are passed over.
_SCOPES = frozenset({Scope.NOTIFICATIONS_WRITE})


def send(
    version: TemplateVersion, channel: str, variables: Mapping[str, Any], user_id: str
) -> UUID:
    """Accept a notification of the template's publisher to one recipient, and return its id.

    It is in the recipient's language, and preferences and suppressions apply; in the default
    category if its own is critical. Uses up no quota. Call it in a transaction. Raises ``Problem``
    or ``ValidationError``, as posting it does.
    """
    template = version.template
    if not template.publisher.is_active:
        raise Problem("inactive-publisher", "The publisher is disabled.")
    body: NotificationBody = {
        "user_ids": [user_id],
        "named_in": "user_id",
        "channels": [channel],
        "template": {"name": template.name, "version": version.number, "variables": variables},
        "collapse_key": "",
        "ordering_key": "",
        "reference": "",
        "metadata": {},
    }
    if version.category and catalogue.get(version.category).critical:
        body["category"] = DEFAULT
    key = KeySnapshot(
        prefix="admin",
        publisher_id=template.publisher_id,
        digest="",
        scopes=_SCOPES,
        expires_at=None,
        revoked_at=None,
    )
    draft = draft_builder(key, body)(selectors.reached([user_id]))
    [notification] = accept(template.publisher_id, [draft])
    return notification.id
