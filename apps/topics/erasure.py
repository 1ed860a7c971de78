"""Erase a person's subscriptions, and what was asked of their addresses."""

from collections.abc import Collection

from django.db.models import Q

from apps.topics.models import Confirmation, Subscription


def erase(recipient_id: int, contact_ids: Collection[int]) -> None:
    """Delete the subscriptions of a recipient and of these contacts, with their confirmations."""
    theirs = Q(recipient=recipient_id) | Q(contact__in=contact_ids)
    Confirmation.objects.filter(contact__in=contact_ids).delete()
    Subscription.objects.filter(theirs).delete()
