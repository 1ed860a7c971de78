"""Text messages that a person has stopped by writing STOP."""

from collections.abc import Mapping

from django.http import HttpRequest, QueryDict

from apps.pages.visitors import Visitor
from apps.preferences.consent import opt_outs

#: What the trail says of the change.
WHY = "on the page of preferences"


class Stopped:
    """A box that undoes every STOP, shown while one stands. The numbers are not shown."""

    name = "stopped"

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        if visitor.recipient is None or not opt_outs.stopped_numbers(visitor.recipient.pk):
            return None
        return {}

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        if visitor.recipient is not None and form.get("stopped-start") == "yes":
            opt_outs.resume_recipient(visitor.recipient.pk, WHY)
