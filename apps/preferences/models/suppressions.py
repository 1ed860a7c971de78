"""Addresses that nothing is sent to, and opt-outs by STOP."""

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.publishers.models import Publisher


class SuppressionReason(models.TextChoices):
    """Reason of a suppression; a suppressed delivery shows it as its own."""

    HARD_BOUNCE = "hard_bounce"  # a message to it bounced permanently
    COMPLAINT = "complaint"  # the owner reported a message as spam
    OPTED_OUT = "opted_out"  # the owner told the provider to stop, or wrote STOP
    DEAD_ADDRESS = "dead_address"  # a token or number that is no longer in use
    MANUAL = "manual"  # added by a publisher or an operator


class Suppression(models.Model):
    """An address that nothing is sent to. Found by blind index, so that it outlives the contact.

    ``exact`` marks an email address from before spellings were folded, see
    ``apps.preferences.consent.spellings``. ``provider``, ``error`` (its code) and ``delivery_id``
    are set where a provider's response or receipt was the cause.

    ``other_cause`` has the columns of the strongest cause beside an opt-out that a provider
    reported: what is left once its owner undoes that (``apps.preferences.consent.suppressions``).
    """

    channel = models.CharField(max_length=20)
    address_index = models.BinaryField(max_length=16)
    masked = models.CharField(max_length=100)
    reason = models.CharField(max_length=40)
    other_cause = models.JSONField(null=True)
    exact = models.BooleanField(
        default=False, db_default=False, help_text="found by one spelling only"
    )
    provider = models.CharField(max_length=40, blank=True, db_default="")
    error = models.CharField(max_length=100, blank=True, db_default="")
    delivery_id = models.BigIntegerField(null=True, blank=True)
    publisher = models.ForeignKey(
        Publisher,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="whose manual suppression it is, which this publisher alone may lift",
    )
    created_at = StampField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address_index"], name="suppression_once_an_address"
            )
        ]
        indexes = [
            models.Index(
                fields=["address_index"], condition=Q(exact=True), name="suppression_exact"
            ),
            models.Index(
                fields=["provider", "created_at"],
                name="suppression_given_up",
                condition=~Q(provider=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.masked}: {self.reason}"


class OptOut(models.Model):
    """A STOP that somebody wrote to a sender of ours, from a number; ``resumed_at``: undone.

    ``sender``: the number or messaging service that was written to. Others learn of it by the
    suppression that it makes; this row says what a START to that sender undoes.
    """

    channel = models.CharField(max_length=20)
    address_index = models.BinaryField(max_length=16)
    masked = models.CharField(max_length=100, verbose_name="address")
    sender = models.CharField(max_length=64)
    provider = models.CharField(max_length=40)
    opted_out_at = models.DateTimeField()
    resumed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address_index", "sender"], name="opt_out_once_a_sender"
            )
        ]

    def __str__(self) -> str:
        return f"{self.masked} of {self.sender}"
