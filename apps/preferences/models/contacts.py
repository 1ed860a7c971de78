"""Addresses of people and of bare endpoints."""

import hashlib
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core import clock
from apps.core.fields import StampField
from apps.preferences.models.recipients import Recipient
from apps.publishers.models import Publisher


class ContactState(models.TextChoices):
    """State of a contact, which says whether it may be sent to."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Contact(models.Model):
    """An address of a recipient on one channel: a device token, number, email, URL or inbox.

    A device is a contact on the push channel. A contact without a recipient is a bare endpoint and
    belongs to its publisher: another publisher's subscription of the same address is another
    contact.

    The address is encrypted (context ``contact:`` + blind index) and looked up by its blind index,
    which is the same for every spelling; the spelling written last is the one sent to. Rows are
    never deleted while deliveries may refer to them, only disabled.

    ``disabled_by`` (a provider), ``disabled_error`` (its code), ``disabled_delivery`` (the delivery
    for which it reported that) and ``disabled_at`` are set where a provider is the reason. They are
    empty on contacts that are active or were disabled by people.
    """

    recipient = models.ForeignKey(
        Recipient, null=True, blank=True, on_delete=models.CASCADE, related_name="contacts"
    )
    publisher = models.ForeignKey(
        Publisher, null=True, blank=True, on_delete=models.PROTECT, related_name="endpoints"
    )
    channel = models.CharField(max_length=20)
    address = models.BinaryField()
    address_index = models.BinaryField(max_length=16)
    masked = models.CharField(max_length=100, help_text="the address as people may see it")
    platform = models.CharField(max_length=20, blank=True, help_text="ios, android or web")
    app = models.CharField(max_length=200, blank=True, help_text="bundle or package id")
    secret = models.BinaryField(
        null=True, blank=True, help_text="a webhook's signing secret, encrypted like the address"
    )
    former_secrets = ArrayField(
        models.BinaryField(),
        null=True,
        blank=True,
        help_text="earlier secrets, encrypted likewise, the newest first",
    )
    former_secrets_until = ArrayField(
        models.DateTimeField(),
        null=True,
        blank=True,
        help_text="until when each of them signs, too",
    )
    state = models.CharField(max_length=10, default=ContactState.ACTIVE)
    disabled_reason = models.CharField(max_length=40, blank=True)
    disabled_by = models.CharField(max_length=40, blank=True, db_default="")
    disabled_error = models.CharField(max_length=100, blank=True, db_default="")
    disabled_delivery = models.BigIntegerField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    last_active_at = models.DateTimeField(null=True, blank=True)
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(recipient__isnull=True) ^ Q(publisher__isnull=True),
                name="contact_of_one_owner",
            ),
            # Two partial constraints, since PostgreSQL 14 has no NULLS NOT DISTINCT.
            models.UniqueConstraint(
                fields=["recipient", "channel", "address_index"],
                condition=Q(recipient__isnull=False),
                name="contact_once_a_recipient",
            ),
            models.UniqueConstraint(
                fields=["publisher", "channel", "address_index"],
                condition=Q(recipient__isnull=True),
                name="contact_once_bare",
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "address_index"], name="contact_by_address"),
            models.Index(
                fields=["disabled_by", "disabled_at"],
                name="contact_given_up",
                condition=Q(state="disabled") & ~Q(disabled_by=""),
            ),
        ]
        permissions = [("reveal_contact", "Can reveal an address")]

    def __str__(self) -> str:
        return f"{self.channel} {self.masked}"

    @property
    def former_secret_until(self) -> datetime | None:
        """Return until when a former secret still signs, ``None`` if none does."""
        until = max(self.former_secrets_until or (), default=None)
        return until if until is not None and until > clock.moment() else None

    @property
    def fingerprint(self) -> str:
        """Return eight hexadecimal digits that tell contacts of one owner apart if masked alike.

        The same address of another owner has other digits, and without the index key nobody can
        tell which address it is.
        """
        owner = f"{self.recipient_id}:{self.publisher_id}:".encode()
        return hashlib.sha256(owner + bytes(self.address_index)).hexdigest()[:8]
