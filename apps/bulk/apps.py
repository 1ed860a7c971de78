"""The app's configuration."""

from django.apps import AppConfig


class BulkConfig(AppConfig):
    """The configuration of ``apps.bulk``."""

    name = "apps.bulk"
    label = "bulk"
    verbose_name = "Bulk actions"
