"""Topics and who subscribed to them."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from apps.preferences.models import Contact, Recipient
from apps.publishers.models import Publisher
from notifier.domain.priorities import Priority


class Topic(models.Model):
    """A named thing one can subscribe to; owned by a publisher.

    ``retry_policy``: see ``apps.topics.retry_policies``; null for the channel's default.
    ``delay`` holds every notification of the topic back for so many seconds.
    ``paused_at``: since when whatever is published to it is held back.
    ``mandatory``: preferences do not apply (security notices); suppressions still do.
    A deleted topic keeps its row, for the notifications that name it; its name is free again.
    """

    name = models.CharField(max_length=200)
    publisher = models.ForeignKey(Publisher, on_delete=models.PROTECT, related_name="topics")
    granted_to = models.ManyToManyField(Publisher, blank=True, related_name="granted_topics")
    display_name = models.CharField(max_length=200, blank=True)
    category = CategoryField(max_length=100, blank=True)
    default_priority = models.CharField(max_length=10, default=Priority.NORMAL)
    mandatory = models.BooleanField(default=False)
    retry_policy = models.JSONField(null=True, blank=True)
    delay = models.PositiveIntegerField(default=0, help_text="seconds")
    requires_confirmation = models.BooleanField(
        default=False, help_text="nothing is sent to a subscriber who has not confirmed"
    )
    paused_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(deleted_at__isnull=True), name="topic_once_a_name"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """What is written by hand, in the admin, must not be what workers fail at."""
        from apps.topics import retry_policies  # its serializers want all models loaded

        if self.retry_policy is not None:
            try:
                retry_policies.check_stored(self.retry_policy)
            except ValidationError as error:
                raise ValidationError({"retry_policy": error.messages}) from None

    @property
    def paused(self) -> bool:
        return self.paused_at is not None


class SubscriptionState(models.TextChoices):
    """Where a subscription stands. Only an active one is sent to."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"


class Subscription(models.Model):
    """A recipient's wish for a topic on a channel, or a bare endpoint's.

    Exactly one of ``recipient`` and ``contact`` is set: a recipient is reached at every active
    contact they have on the channel, a bare endpoint at itself. ``retry_policy`` goes before the
    topic's. ``confirm_at`` is its place in the queue of confirmations to be sent.
    ``asks``: it began while the topic required confirmation, and for as long as it does, only those
    of the recipient's contacts are sent to that have confirmed (``Confirmation``).
    """

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="subscriptions")
    channel = models.CharField(max_length=20)
    recipient = models.ForeignKey(
        Recipient, null=True, blank=True, on_delete=models.CASCADE, related_name="subscriptions"
    )
    contact = models.ForeignKey(
        Contact, null=True, blank=True, on_delete=models.CASCADE, related_name="subscriptions"
    )
    state = models.CharField(max_length=15, default=SubscriptionState.ACTIVE)
    retry_policy = models.JSONField(null=True, blank=True)
    asks = models.BooleanField(default=False, db_default=False)
    # When the next confirmation is to be sent; null where none is.
    confirm_at = models.DateTimeField(null=True, blank=True)
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(recipient__isnull=True) ^ Q(contact__isnull=True),
                name="subscription_of_one_subscriber",
            ),
            models.UniqueConstraint(
                fields=["topic", "channel", "recipient"],
                condition=Q(recipient__isnull=False),
                name="subscription_once_a_recipient",
            ),
            models.UniqueConstraint(
                fields=["topic", "contact"],
                condition=Q(contact__isnull=False),
                name="subscription_once_a_contact",
            ),
        ]
        indexes = [
            # What fan-out cuts into chunks by key range.
            models.Index(
                fields=["topic", "channel", "id"],
                condition=Q(state="active"),
                name="subscription_audience",
            ),
            models.Index(fields=["topic", "id"], name="subscription_listing"),
            models.Index(
                fields=["confirm_at"],
                condition=Q(confirm_at__isnull=False),
                name="subscription_to_confirm",
            ),
            # Whom a new address may have to be asked for.
            models.Index(
                fields=["recipient"], condition=Q(asks=True), name="subscription_that_asks"
            ),
            # A list of the few who left must not read the many who stay.
            models.Index(
                fields=["topic", "id"], condition=~Q(state="active"), name="subscription_inactive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id} {self.channel} {self.recipient_id or self.contact_id}"


class Confirmation(models.Model):
    """A contact that was asked to confirm a subscription, and when it did, if it did.

    Gone when the subscription ends: who begins again is asked again.
    """

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="confirmations"
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "contact"], name="confirmation_once_a_contact"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} at {self.contact_id}"


class ConfirmationSent(models.Model):
    """A confirmation that was sent to an address: by these it is limited how many are.

    By blind index (of an email address without its ``+tag``), so that one address is one, whoever
    asks and for whatever topic. Kept a day; in the database, since what a flushed cache forgets
    could be sent again.
    """

    publisher_id = models.BigIntegerField(null=True)
    subscription_id = models.BigIntegerField()
    channel = models.CharField(max_length=20)
    address_index = models.BinaryField(max_length=16)
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["channel", "address_index", "sent_at"], name="confirmation_of_address"
            ),
            models.Index(
                fields=["subscription_id", "sent_at"], name="confirmation_of_subscription"
            ),
            models.Index(fields=["publisher_id", "sent_at"], name="confirmation_of_publisher"),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} on {self.channel}"
