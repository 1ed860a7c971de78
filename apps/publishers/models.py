"""Who may publish, and with which keys."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Publisher(models.Model):
    """A service that may publish; holds API keys."""

    name = models.SlugField(max_length=100, unique=True)
    display_name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.display_name or self.name


class ApiKey(models.Model):
    """One key of a publisher. The key itself is printed once and never stored.

    ``digest`` is its SHA-256: the secret part is 256 random bits, so that a slow hash would only
    slow the API down. ``prefix`` is the part that is shown and looked up by.
    """

    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"
