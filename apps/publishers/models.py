"""Publishers, their API keys and daily counts; failed log-ins; the audit trail."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import MinValueValidator
from django.db import models

from apps.core.fields import StampField


class Publisher(models.Model):
    """A service that posts notifications, with API keys.

    A limit of null means the settings' default.
    """

    name = models.SlugField(max_length=100, unique=True)
    display_name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    rate_per_second = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="requests a second; empty for the default",
    )
    burst = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="requests at once after a rest; empty for two seconds' worth",
    )
    quota_per_day = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="notifications accepted from midnight to midnight UTC; empty for the default",
    )
    high_quota_per_day = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="the same for high priority, which has a quota of its own",
    )
    high_rate_per_second = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="notifications of high priority a second; empty for the default",
    )
    created_at = StampField(auto_now_add=True)

    def __str__(self) -> str:
        return self.display_name or self.name


class ApiKey(models.Model):
    """An API key of a publisher. The key itself is printed once and never stored.

    ``digest`` is the SHA-256 of its secret: that has 256 random bits, so that a slow hash would
    only slow the API down. ``prefix`` is the part that is shown and looked up. A key's own rate
    applies in addition to its publisher's.

    ``identity`` is shared by a key and those that replaced it by rotation. ``ends_with`` has the
    identities of the keys that made it, and of those that made them: it is revoked with any of
    their keys.
    """

    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=40))
    rate_per_second = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="requests a second; empty for its publisher's alone",
    )
    burst = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="requests at once after a rest; empty for two seconds' worth",
    )
    created_at = StampField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    made_by = models.CharField(
        max_length=150,
        blank=True,
        db_default="",
        help_text="the prefix of the key that made it, jwt:NAME for a token, or the command",
    )
    identity = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    ends_with = ArrayField(models.UUIDField(), default=list, db_default=[], editable=False)

    class Meta:
        indexes = [models.Index(fields=["publisher", "identity"], name="api_key_identity")]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class DayCount(models.Model):
    """The notifications of a publisher accepted on a day (UTC), counted against its quota.

    The count is spread over slots, so that concurrent requests do not wait for one row.
    """

    pk = models.CompositePrimaryKey("publisher_id", "day", "slot")
    publisher_id = models.BigIntegerField()
    day = models.DateField()
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"


class LogInLimit(models.Model):
    """Failed log-ins of an account at an address, of an address, or of an account.

    ``key`` is a hash that tells which. Written by ``apps.operators.log_in_limits`` only.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    until = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.failures} failures, paused until {self.until}"


class AuditEvent(models.Model):
    """A change made by a publisher or an operator. Written by ``apps.publishers.audit`` only.

    ``object_type`` and ``object_name`` name the object as the API does (``topic``,
    ``order-updates``). ``publisher`` is its owner, null if it belongs to nobody in particular.
    ``actor`` is the operator's user name, or the prefix of the publisher's key. ``before`` and
    ``after`` never hold a secret, an address or content.
    """

    id = models.BigAutoField(primary_key=True)
    at = StampField(auto_now_add=True)
    publisher = models.ForeignKey(
        Publisher, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    actor_kind = models.CharField(max_length=10, help_text="publisher, operator or system")
    actor = models.CharField(max_length=150)
    remote_address = models.GenericIPAddressField(null=True)
    action = models.CharField(max_length=40, help_text="create, update, delete, …")
    object_type = models.CharField(max_length=40)
    object_name = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["publisher", "-id"], name="audit_newest"),
            models.Index(fields=["object_type", "object_name", "-id"], name="audit_of_object"),
            models.Index(
                fields=["actor", "id"],
                condition=models.Q(actor_kind="person"),
                name="audit_by_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_type} {self.object_name}"
