"""Operators' identities at the provider, second factors, and sessions."""

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from apps.core.fields import StampField
from apps.operators.sessions import LONGEST_BROWSER, SessionStore


class Identity(models.Model):
    """The identity of an operator at an OpenID provider. Written by ``accounts`` only.

    ``subject`` is the provider's name of a person, which it gives to nobody else. An e-mail address
    may become another person's, so nobody is known by one.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identity"
    )
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    created_at = StampField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="operator_identity")
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class SecondFactor(models.Model):
    """The secret of an operator's authenticator app. Written by ``second_factor`` only.

    ``secret`` is encrypted. Until ``confirmed_at`` it is shown and asked for nowhere else.
    ``used_step`` is the last time step of which a code was used.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    secret = models.BinaryField()
    created_at = StampField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    used_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"the second factor of {self.user}"


class RecoveryCode(models.Model):
    """A code in place of an authenticator app's, used once. Only a hash of it is stored."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="operator_recovery_code")
        ]

    def __str__(self) -> str:
        return f"a recovery code of {self.user}"


class UsedLogOut(models.Model):
    """A log-out that the OpenID provider has ordered: its token is refused until it has expired."""

    digest = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest


class OperatorSession(AbstractBaseSession):
    """A session of the admin. Written by ``apps.operators.sessions`` only.

    Without a ``user`` it is a log-in that is under way. ``began``: in unix seconds. ``seen_at``:
    when a page was opened last. ``provider_session``: the OpenID provider's name of the session in
    which it was begun there, if it says so. Whoever has the key has the session, so no page shows
    it.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.CASCADE,
        related_name="operator_sessions",
    )
    began = models.FloatField(null=True)
    seen_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=LONGEST_BROWSER, blank=True)
    provider_session = models.CharField(max_length=255, blank=True, db_default="")

    class Meta(AbstractBaseSession.Meta):
        permissions = [("use_flower", "Can use Flower")]

    def __str__(self) -> str:
        return f"a session of {self.user}"

    @property
    def began_at(self) -> datetime | None:
        """The time at which the operator logged in."""
        return None if self.began is None else datetime.fromtimestamp(self.began, UTC)

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        return SessionStore
