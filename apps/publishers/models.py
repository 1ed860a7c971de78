"""Who may publish, and with which keys."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import MinValueValidator
from django.db import models

from apps.core.fields import StampField


class Publisher(models.Model):
    """A service that may publish; holds API keys.

    Where a limit is null, the settings' default applies.
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
    """One key of a publisher. The key itself is printed once and never stored.

    ``digest`` is its SHA-256: the secret part is 256 random bits, so that a slow hash would only
    slow the API down. ``prefix`` is the part that is shown and looked up by. A key's own rate
    applies beside its publisher's.

    ``identity`` is the same in a key and in those that replaced it by rotation. ``ends_with`` has
    the identities of the keys that made it, and of those that made them: when one of their keys
    is revoked, it is, too.
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
    """How many notifications of a publisher were accepted on a day (UTC): its quota's measure.

    Spread over slots, so that requests at the same time do not wait for one row.
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

    ``key`` is a hash of which. Written by ``apps.operators.log_in_limits`` only.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    until = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.failures} failures, paused until {self.until}"


class AuditEvent(models.Model):
    """One change that a publisher or an operator made. Written by ``apps.publishers.audit`` only.

    ``object_type`` and ``object_name`` say what was changed, in the words of the API (``topic``,
    ``order-updates``); ``publisher`` whose it is, null where it is everybody's. ``actor`` is the
    operator's user name, or the prefix of the publisher's key. Values never hold a secret, an
    address or content.
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
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_type} {self.object_name}"
