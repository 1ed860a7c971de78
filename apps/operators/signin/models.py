"""How operators log in: who they are at the OpenID provider."""

from django.conf import settings
from django.db import models

from apps.core.fields import StampField


class Identity(models.Model):
    """Who an operator is at an OpenID provider. Written by ``accounts`` only.

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
