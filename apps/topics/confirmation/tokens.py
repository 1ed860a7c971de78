"""Confirmation tokens, which are sent to the address to be confirmed and nowhere else.

A token contains the ids of the subscription and of the contact, and is signed with the time.
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
    """The token confirms nothing. ``args[0]`` tells a person why, and what to do."""


class Invalid(NotConfirmed):
    """The token was not issued here, or was cut short."""


class Expired(NotConfirmed):
    """The token has expired."""


class Ended(NotConfirmed):
    """Nothing is left to confirm: the subscription ended, or its address or topic is gone."""


@dataclass(frozen=True, slots=True)
class Target:
    """The subscription and contact that a token confirms.

    ``topic`` is the topic's name, ``title`` its display name, ``publisher`` the one that sends it.
    ``locale`` is the subscriber's, empty if unknown. ``confirmed`` is whether the contact has
    confirmed the subscription.
    """

    subscription: Subscription
    contact_id: int
    topic: str
    title: str
    publisher: str
    locale: str
    confirmed: bool

    @property
    def channel(self) -> str:
        return self.subscription.channel

    @property
    def by_machine(self) -> bool:
        """True if opening the link may confirm, as AWS SNS allows for HTTP endpoints.

        Mail scanners and previews open links that are sent to people, while only the owner's
        program reads the payload of a webhook.
        """
        return self.channel == WEBHOOK


def token(subscription_id: int, contact_id: int) -> str:
    """Return a token, valid for ``CONFIRMATION_HOURS``; URL-safe, about 50 characters."""
    return _signer().sign(f"{subscription_id}-{contact_id}")


def _signer() -> TimestampSigner:
    # A dot as separator, since mail programs and telephones take it for a part of a link.
    return TimestampSigner(salt="notifier.confirmation", sep=".")


def link(token: str) -> str:
    """Return the URL of the page on which a person confirms with the token."""
    return f"{settings.PUBLIC_URL}/v1/confirmations/{token}"


def lifetime() -> timedelta:
    """Return how long a token is valid."""
    return timedelta(hours=settings.CONFIRMATION_HOURS)


def resolve(token: str) -> Target:
    """Return what the token would confirm. Raises ``NotConfirmed``."""
    return _target(token, lock=False)


@transaction.atomic
def confirm(token: str) -> Target:
    """Confirm the token's subscription at the token's contact; repeating that changes nothing.

    Raises ``NotConfirmed``.
    """
    target = _target(token, lock=True)
    row = target.subscription
    if not target.confirmed:
        Confirmation.objects.update_or_create(
            subscription=row,
            contact_id=target.contact_id,
            defaults={"confirmed_at": clock.moment()},
        )
    if row.state != SubscriptionState.ACTIVE:
        # ``confirm_at`` stays: further contacts may still have to be asked.
        row.state = SubscriptionState.ACTIVE
        row.save(update_fields=["state", "updated_at"])
    return replace(target, confirmed=True)


def _target(token: str, *, lock: bool) -> Target:
    subscription_id, contact_id = _read(token)
    rows = Subscription.objects.select_related("topic__publisher", "recipient").filter(
        topic__deleted_at=None
    )
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
    return Target(
        subscription=row,
        contact_id=contact_id,
        topic=row.topic.name,
        title=row.topic.display_name or row.topic.name,
        publisher=str(row.topic.publisher),
        locale=row.recipient.locale if row.recipient else "",
        confirmed=confirmed,
    )


def _read(token: str) -> tuple[int, int]:
    try:
        subscription_id, _, contact_id = _signer().unsign(token, max_age=lifetime()).partition("-")
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
    """Return whether the subscription still delivers to the contact."""
    contacts = Contact.objects.filter(pk=contact_id, state=ContactState.ACTIVE)
    if row.recipient_id is not None:
        return contacts.filter(recipient=row.recipient_id).exists()
    return row.contact_id == contact_id and contacts.exists()
