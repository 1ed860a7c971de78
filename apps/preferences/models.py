"""Recipients, contacts, categories, preferences, caps, suppressions, groups, the trail."""

import hashlib
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from apps.core import clock
from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from apps.publishers.models import Publisher
from notifier.domain.categories import CategoryKind
from notifier.domain.frequency import Per


class Recipient(models.Model):
    """A person, identified by the company's own ``user_id``.

    ``name`` and ``attributes`` are for templates, and encrypted by ``apps.preferences.profiles``.
    ``quiet_hours`` is the person's own schedule (``notifier.domain.quiet_hours``); null where the
    company's applies.
    """

    user_id = models.CharField(max_length=200, unique=True)
    locale = models.CharField(max_length=35, blank=True, help_text="BCP 47, e.g. de-AT")
    time_zone = models.CharField(
        max_length=64, default="UTC", help_text="IANA name; UTC stands for the company's zone"
    )
    quiet_hours = models.JSONField(
        null=True,
        blank=True,
        help_text="their own schedule, as in the API; empty where the company's applies",
    )
    name = models.BinaryField(null=True, blank=True, help_text="encrypted")
    attributes = models.BinaryField(null=True, blank=True, help_text="JSON, encrypted")
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    def __str__(self) -> str:
        return self.user_id

    def clean(self) -> None:
        """Check and normalize what was written by hand in the admin as the API does."""
        from apps.preferences.quiet_hours import schedules  # needs all models loaded

        if self.quiet_hours is None:
            return
        try:
            self.quiet_hours = schedules.parse(self.quiet_hours).as_json()
        except ValueError as error:
            raise ValidationError({"quiet_hours": str(error)}) from None


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


class Category(models.Model):
    """A kind of news in the company's catalogue, by which people choose what they get.

    Topics, templates, notifications and preferences name it; a name without a row is a category of
    kind ``transactional`` without texts (``apps.preferences.categories.catalogue``).
    ``display_name`` and ``description`` are texts by locale. ``defaults`` has the channels on which
    it is not sent, or is (``{"sms": false}``), to people who have chosen nothing.
    """

    name = CategoryField(max_length=100, unique=True)
    kind = models.CharField(
        max_length=13,
        default=CategoryKind.TRANSACTIONAL,
        choices=[(kind.value, kind.value) for kind in CategoryKind],
    )
    default_locale = models.CharField(
        max_length=35, default="en", help_text="of readers whose own locale has no text"
    )
    display_name = models.JSONField(default=dict, blank=True, help_text='{"en": "Your orders"}')
    description = models.JSONField(default=dict, blank=True, help_text="texts by locale, likewise")
    defaults = models.JSONField(
        default=dict,
        blank=True,
        help_text='by channel, for people who have chosen nothing: {"sms": false}',
    )
    position = models.PositiveSmallIntegerField(
        default=0, help_text="the order on people's pages, ascending"
    )
    frequency_caps = models.JSONField(
        null=True,
        blank=True,
        help_text="how many of it one person is sent at most: "
        '[{"channel": "sms", "limit": 1, "per": "week"}]',
    )
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Check and normalize what was written by hand in the admin as the API does."""
        from apps.preferences.api import category_serializers  # needs all models loaded

        category_serializers.normalize_row(self)


class Preference(models.Model):
    """A recipient's choice to allow or refuse notifications of a channel, topic or category.

    An empty channel or category and a topic of null mean "any". The most specific row decides: a
    topic beats a category, either beats none, and a channel beats any channel.
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="preferences")
    channel = models.CharField(max_length=20, blank=True)
    # A plain id, not a foreign key: this app must not import apps.topics.
    topic_id = models.BigIntegerField(null=True, blank=True)
    category = CategoryField(max_length=100, blank=True)
    allowed = models.BooleanField()
    # Written on a page that a link opens: what a page refused, a page may allow again.
    by_link = models.BooleanField(default=False, db_default=False, editable=False)
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "channel", "topic_id"],
                condition=Q(topic_id__isnull=False),
                name="preference_once_a_topic",
            ),
            models.UniqueConstraint(
                fields=["recipient", "channel", "category"],
                condition=Q(topic_id__isnull=True),
                name="preference_once_a_category",
            ),
        ]

    def __str__(self) -> str:
        verb = "wants" if self.allowed else "refuses"
        return f"{self.recipient} {verb} {self.channel or 'every channel'}"


class FrequencyCap(models.Model):
    """A person's own cap: at most ``most`` notifications ``per`` hour, day or week on a channel.

    An empty category means all that the channel carries. Written by
    ``apps.preferences.frequency.services`` only.
    """

    recipient = models.ForeignKey(
        Recipient, on_delete=models.CASCADE, related_name="frequency_caps"
    )
    channel = models.CharField(max_length=20)
    category = CategoryField(max_length=100, blank=True)
    most = models.PositiveSmallIntegerField()
    per = models.CharField(max_length=4, choices=[(per.value, per.value) for per in Per])
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "channel", "category", "per"], name="frequency_cap_once"
            )
        ]
        indexes = [models.Index(fields=["channel"], name="frequency_cap_on_channel")]

    def __str__(self) -> str:
        about = f"{self.channel} {self.category}".strip()
        return f"{self.recipient}: {about} {self.most}/{self.per}"


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
