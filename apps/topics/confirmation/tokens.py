"""Confirming a subscription with what was sent to its address, and to nobody else.

A token names the subscription and the contact it was sent to, and is signed with the time.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db import transaction

from apps.core import clock
from apps.preferences.channels import WEBHOOK
from apps.preferences.models import Contact, ContactState
from apps.topics.models import Confirmation, Subscription, SubscriptionState


class NotConfirmed(Exception):
    """The token confirms nothing. ``args[0]`` says why and what to do, to a person."""


class Invalid(NotConfirmed):
    """The token is not one of ours, or was cut short."""


class Expired(NotConfirmed):
    """The token's time is over."""


class Ended(NotConfirmed):
    """There is nothing left to confirm: they left, or the address or topic is gone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A subscription and what its confirmation is about. ``topic`` is its name, ``title`` what
    people call it."""

    subscription: Subscription
    contact_id: int
    topic: str
    title: str
    #: Whether this contact has confirmed it.
    confirmed: bool

    @property
    def channel(self) -> str:
        return self.subscription.channel

    @property
    def by_machine(self) -> bool:
        """Whether following the link may confirm it, as AWS SNS has it for HTTP endpoints.

        Links to people are followed by mail scanners and previews; a webhook's payload is read
        by its owner's program alone.
        """
        return self.channel == WEBHOOK


def token(subscription_id: int, contact_id: int) -> str:
    """What confirms the subscription for ``CONFIRMATION_HOURS``; URL-safe, about 50 characters."""
    return _signer().sign(f"{subscription_id}-{contact_id}")


def _signer() -> TimestampSigner:
    # Dots, since mail programs and telephones take them for a part of a link.
    return TimestampSigner(salt="notifier.confirmation", sep=".")


def link(token: str) -> str:
    """Where a person confirms with the token."""
    return f"{settings.PUBLIC_URL}/v1/confirmations/{token}"


def life() -> timedelta:
    """How long a token can be used."""
    return timedelta(hours=settings.CONFIRMATION_HOURS)


def look(token: str) -> Asked:
    """What the token would confirm. Raises ``NotConfirmed``."""
    return _asked(token, lock=False)


@transaction.atomic
def confirm(token: str) -> Asked:
    """Let the token's subscription be sent to at the token's contact; again, and it still is.

    Raises ``NotConfirmed``.
    """
    asked = _asked(token, lock=True)
    row = asked.subscription
    if not asked.confirmed:
        Confirmation.objects.update_or_create(
            subscription=row,
            contact_id=asked.contact_id,
            defaults={"confirmed_at": clock.moment()},
        )
    if row.state != SubscriptionState.ACTIVE:
        # What asks further contacts goes on in the queue.
        row.state = SubscriptionState.ACTIVE
        row.save(update_fields=["state", "updated_at"])
    return replace(asked, confirmed=True)


def _asked(token: str, *, lock: bool) -> Asked:
    subscription_id, contact_id = _read(token)
    rows = Subscription.objects.select_related("topic").filter(topic__deleted_at=None)
    if lock:
        rows = rows.select_for_update(of=("self",))
    row = rows.filter(pk=subscription_id).first()
    if row is None or row.state == SubscriptionState.UNSUBSCRIBED or not _reaches(row, contact_id):
        raise Ended(
            "There is nothing to confirm any more: the subscription was ended, or the address or "
            "the topic is gone. Subscribe again."
        )
    confirmed = Confirmation.objects.filter(
        subscription=row, contact=contact_id, confirmed_at__isnull=False
    ).exists()
    title = row.topic.display_name or row.topic.name
    return Asked(row, contact_id, row.topic.name, title, confirmed)


def _read(token: str) -> tuple[int, int]:
    try:
        subscription_id, _, contact_id = _signer().unsign(token, max_age=life()).partition("-")
    except SignatureExpired:
        raise Expired(
            f"This confirmation was sent more than {settings.CONFIRMATION_HOURS} hours ago. Have "
            "another one sent."
        ) from None
    except BadSignature:
        raise Invalid(
            "This is not a confirmation that we sent. Check that no part of it is missing."
        ) from None
    return int(subscription_id), int(contact_id)


def _reaches(row: Subscription, contact_id: int) -> bool:
    """Whether the contact is still one at which the subscription reaches somebody."""
    contacts = Contact.objects.filter(pk=contact_id, state=ContactState.ACTIVE)
    if row.recipient_id is not None:
        return contacts.filter(recipient=row.recipient_id).exists()
    return row.contact_id == contact_id and contacts.exists()
