"""Admin of replies, read-only: text messages that people wrote to our senders."""

from django.contrib import admin
from django.db.models import Q
from django.utils.safestring import SafeString

from apps.core.delivery_ids import public_id
from apps.delivery.models import Reply
from apps.operators import markup
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import choice
from notifier.replies import Kind


@admin.register(Reply)
class ReplyAdmin(ReadOnly):
    """List of replies, newest first. Their texts are not kept."""

    list_display = ("received_at", "masked", "sender", "kind", "effect", "publisher")
    list_filter = (choice("kind", lambda: Kind),)
    list_select_related = ("publisher",)
    search_fields = ("message_id",)
    search_help_text = "The provider's id of the message"
    moment = "received_at"
    fields = (
        "received_at",
        "masked",
        "sender",
        "kind",
        "effect",
        "provider",
        "message_id",
        "publisher",
        "answers",
    )
    readonly_fields = ("effect", "answers")

    def find(self, term: str) -> Q:
        return Q(message_id=term.strip())

    @admin.display(description="did")
    def effect(self, row: Reply) -> str:
        if row.kind == Kind.STOP:
            return "suppressed the number" if row.applied else "nothing: it was suppressed already"
        if row.kind == Kind.START:
            return "undid a STOP to this sender" if row.applied else "nothing: no STOP to undo"
        return "was sent to a status webhook" if row.publisher_id is not None else ""

    @admin.display(description="in reply to")
    def answers(self, row: Reply) -> str | SafeString:
        if row.delivery_id is None:
            return ""
        page = markup.page("delivery_delivery_change", row.delivery_id)
        return markup.link(page, public_id(row.delivery_id))
