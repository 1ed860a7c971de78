"""Topics, subscriptions and their confirmations."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from apps.preferences.models import Contact, Recipient
from apps.publishers.models import Publisher
from notifier.domain.priorities import Priority


class Topic(models.Model):
    """A subject that people subscribe to, owned by a publisher.

    ``retry_policy``: see ``apps.topics.retry_policies``; null for the channel's default.
    ``delay``: seconds by which every notification of the topic is held back.
    ``paused_at``: since when its notifications are held back, null if they are not.
    ``mandatory``: preferences do not apply (security notices); suppressions still do.
    The row of a deleted topic stays, for the notifications that refer to it; its name is free.
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
        """Check a retry policy written by hand in the admin, so that workers do not fail at it."""
        from apps.topics import retry_policies  # its serializers need all models loaded

        if self.retry_policy is not None:
            try:
                retry_policies.check_stored(self.retry_policy)
            except ValidationError as error:
                raise ValidationError({"retry_policy": error.messages}) from None

    @property
    def paused(self) -> bool:
        return self.paused_at is not None


class SubscriptionState(models.TextChoices):
    """The state of a subscription. Only active ones receive notifications."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"


class Subscription(models.Model):
    """A subscription of a recipient, or of a bare endpoint, to a topic on one channel.

    Exactly one of ``recipient`` and ``contact`` is set: a recipient is reached at every active
    contact on the channel, a bare endpoint at itself. ``retry_policy`` overrides the topic's.
    ``confirm_at`` is its position in the queue of confirmations to send. ``asks`` is set if it
    began while the topic required confirmation: while the topic still does, only the recipient's
    contacts that have confirmed (``Confirmation``) receive anything.
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
    # The time at which the next confirmation is to be sent; null if none is.
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
            # Fan-out cuts these into chunks by key range.
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
            # Subscriptions for which a new contact may have to be asked.
            models.Index(
                fields=["recipient"], condition=Q(asks=True), name="subscription_that_asks"
            ),
            # A list of the few inactive ones must not read the many active ones.
            models.Index(
                fields=["topic", "id"], condition=~Q(state="active"), name="subscription_inactive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id} {self.channel} {self.recipient_id or self.contact_id}"


class Confirmation(models.Model):
    """A contact that was asked to confirm a subscription, and when it confirmed, if it did.

    Deleted when the subscription ends: a new one is asked again.
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
    """A confirmation that was sent to an address, kept for a day to limit their number.

    Addresses are counted by blind index (of an email address without its ``+tag``), for all
    publishers and topics together. They are kept in the database, since a flushed cache would allow
    too many.
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
