"""Who is subscribed, for operators. Topics are in ``apps.delivery.admin``: their pages show what
became of what was published to them."""

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from apps.preferences.channels import all_channels
from apps.preferences.models import Recipient
from apps.publishers.operators import markup
from apps.publishers.operators.narrowing import choice, linked
from apps.publishers.operators.newest import NewestAdmin
from apps.topics.models import Subscription, SubscriptionState


@admin.register(Subscription)
class SubscriptionAdmin(NewestAdmin):
    list_display = ("id", "topic", "channel", "recipient", "contact", "standing", "updated_at")
    list_filter = (
        linked("topic_id"),
        linked("recipient_id", "recipient"),
        choice("channel", all_channels),
        choice("state", lambda: SubscriptionState.values),
    )
    list_select_related = ("topic", "recipient", "contact")
    search_fields = ("recipient",)
    search_help_text = "A recipient's user_id"
    fields = ("topic", "channel", "recipient", "contact", "state", "created_at", "updated_at")
    readonly_fields = fields

    def find(self, term: str) -> Q:
        found = Recipient.objects.filter(user_id=term.strip()).values_list("pk", flat=True)
        return Q(recipient_id__in=list(found))

    @admin.display(description="state")
    def standing(self, row: Subscription) -> str:
        return markup.badge(row.state)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
