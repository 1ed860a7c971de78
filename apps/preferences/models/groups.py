"""Named sets of people."""

from django.db import models

from apps.core.fields import StampField
from apps.preferences.models.recipients import Recipient
from apps.publishers.models import Publisher


class Group(models.Model):
    """A named set of recipients that its publisher can notify."""

    name = models.CharField(max_length=200)
    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, related_name="groups")
    display_name = models.CharField(max_length=200, blank=True)
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publisher", "name"], name="group_once_a_publisher")
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A recipient's membership in a group. Fan-out cuts a group's audience by key range."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="memberships")
    created_at = StampField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "recipient"], name="membership_once")
        ]
        indexes = [models.Index(fields=["group", "id"], name="membership_audience")]

    def __str__(self) -> str:
        return f"{self.recipient_id} in {self.group_id}"
