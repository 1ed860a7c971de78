"""The trail of changes to people, addresses and choices."""

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.preferences.models.recipients import Recipient
from apps.publishers.models import Publisher


class DirectoryChange(models.Model):
    """A change of a person's contact or preference, or of a suppression, whoever made it.

    Written by ``apps.preferences.audit_trail`` only, and kept as long as the audit trail. A change
    of a suppression has an address and no recipient, since it applies to all who have the address.
    """

    id = models.BigAutoField(primary_key=True)
    at = StampField(auto_now_add=True)
    actor_kind = models.CharField(
        max_length=10, help_text="publisher, operator, person, provider or system"
    )
    actor = models.CharField(max_length=150)
    publisher = models.ForeignKey(
        Publisher, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    remote_address = models.GenericIPAddressField(null=True)
    change = models.CharField(max_length=20)
    recipient = models.ForeignKey(
        Recipient,
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    channel = models.CharField(max_length=20)
    address_index = models.BinaryField(max_length=16, null=True)
    masked = models.CharField(max_length=100, verbose_name="address")
    detail = models.CharField(max_length=200)

    class Meta:
        verbose_name = "change of the directory"
        verbose_name_plural = "changes of the directory"
        indexes = [
            models.Index(fields=["recipient", "-id"], name="directory_of_person"),
            models.Index(
                fields=["channel", "address_index", "-id"],
                name="directory_of_address",
                condition=Q(address_index__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.change} {self.channel} {self.masked}".strip()
