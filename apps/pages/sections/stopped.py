"""Text messages that a person has stopped by writing STOP."""

from collections.abc import Mapping

from django.http import HttpRequest, QueryDict

from apps.pages.visitors import Visitor
from apps.preferences.channels import SMS
from apps.preferences.consent import opt_outs

#: The reason that the trail has of the change.
WHY = "on the page of preferences"


class Stopped:
    """Says that a STOP stands, and undoes that of the number that the link was sent to.

    A link in a mail undoes none: whoever may add a mailbox to somebody could have one sent there.
    The numbers are not shown.
    """

    name = "stopped"

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        if visitor.recipient is None or not opt_outs.stopped_numbers(visitor.recipient.pk):
            return None
        contact_id = _reached(visitor)
        here = contact_id and opt_outs.stopped_numbers(visitor.recipient.pk, contact_id)
        return {"here": bool(here)}

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        contact_id = _reached(visitor)
        if visitor.recipient is None or contact_id is None:
            return
        if form.get("stopped-start") == "yes":
            opt_outs.resume(visitor.recipient.pk, contact_id, WHY)


def _reached(visitor: Visitor) -> int | None:
    """Return the contact to whose number the link was sent as a text message."""
    return visitor.target.contact_id if visitor.target.channel == SMS else None
