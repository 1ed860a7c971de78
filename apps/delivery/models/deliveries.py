"""Deliveries: the unit of state, retry and isolation."""

from django.db import models
from django.db.models import Q

from apps.core import delivery_ids
from apps.delivery.models.notifications import Notification
from notifier.domain.states import DeliveryState


class Delivery(models.Model):
    """One notification to one contact on one channel: the unit of state, retry and isolation.

    ``contact_id`` is null only for a recipient without an address on the channel; that delivery is
    suppressed with the reason ``no_address``. Only ``apps.delivery.state`` writes ``state``.
    """

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    #: The claim that is sending it, or the last one that did.
    claim_id = models.BigIntegerField(db_column="chunk_id", db_index=True)
    # The notification's; claims are shared out fairly by it.
    publisher_id = models.BigIntegerField(default=0, db_default=0)
    contact_id = models.BigIntegerField(null=True)
    recipient_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=20)
    priority = models.CharField(max_length=10)
    state = models.CharField(max_length=10, default=DeliveryState.QUEUED)
    reason = models.CharField(max_length=40, blank=True, db_default="")
    # For the reason "preference", the scope and the channel of the one that decided:
    # "category:sms". See apps.delivery.state.eligibility.audience. For "quiet_hours", whose
    # they are: "own" or "company".
    refused_by = models.CharField(max_length=40, null=True)
    provider = models.CharField(max_length=40, blank=True, db_default="")
    provider_message_id = models.CharField(max_length=200, blank=True, db_default="")
    attempts = models.SmallIntegerField(db_default=0)
    # Attempts that the retry policy does not count: those before a redrive, those that were
    # followed by a failover to another provider of the channel, and those that only showed that a
    # provider with an open breaker is still down.
    attempts_uncounted = models.SmallIntegerField(db_default=0)
    # The delivery that this one replaces, at another contact, after the last attempt of that one.
    instead_of = models.BigIntegerField(null=True)
    # The delivery of the digest that this one has joined. It goes where that one goes.
    told_in = models.BigIntegerField(null=True)
    # The step of the notification's fallback that it belongs to; 0 for the first channels.
    step = models.SmallIntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["notification", "contact_id"],
                condition=Q(instead_of__isnull=True),
                name="delivery_once_a_contact",
            ),
            models.UniqueConstraint(
                fields=["instead_of"],
                condition=Q(instead_of__isnull=False),
                name="delivery_once_instead",
            ),
            models.UniqueConstraint(
                fields=["notification", "recipient_id", "channel"],
                condition=Q(contact_id__isnull=True, instead_of__isnull=True),
                name="delivery_once_without_address",
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "channel", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="delivery_due",
            ),
            models.Index(
                fields=["priority", "channel", "publisher_id", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="delivery_waiting",
            ),
            models.Index(fields=["notification", "id"], name="delivery_listing"),
            models.Index(
                fields=["recipient_id", "-id"],
                condition=Q(recipient_id__isnull=False),
                name="delivery_of_recipient",
            ),
            models.Index(
                fields=["contact_id", "-id"],
                condition=Q(recipient_id__isnull=True, contact_id__isnull=False),
                name="delivery_of_endpoint",
            ),
            models.Index(
                fields=["told_in"], condition=Q(told_in__isnull=False), name="delivery_told_in"
            ),
            # Deliveries of a fallback's steps: their states are shown, and answers release them.
            models.Index(
                fields=["notification", "step"], condition=Q(step__gt=0), name="delivery_of_step"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id in the API, at providers and in webhooks, the same on every attempt: ``dlv_…``."""
        return delivery_ids.public_id(self.pk)
