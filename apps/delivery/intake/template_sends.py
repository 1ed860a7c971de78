"""Send a version of a template to one recipient, to see what it looks like."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.content.models import TemplateVersion
from apps.delivery.intake.accept import accept
from apps.delivery.intake.bodies import NotificationBody
from apps.delivery.intake.drafts import draft_builder
from apps.preferences import selectors
from apps.publishers.scopes import Scope
from apps.publishers.selectors import KeySnapshot

#: What an operator who may write templates may post.
_SCOPES = frozenset({Scope.NOTIFICATIONS_WRITE, Scope.NOTIFICATIONS_CRITICAL})


def send(
    version: TemplateVersion, channel: str, variables: Mapping[str, Any], user_id: str
) -> UUID:
    """Accept a notification of the template's publisher to one recipient, and return its id.

    It is in the recipient's language, and preferences and suppressions apply. Uses up no quota.
    Call it in a transaction. Raises ``Problem`` or ``ValidationError``, as posting it does.
    """
    template = version.template
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
