"""The app's configuration."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """The configuration of ``apps.privacy``."""

    name = "apps.privacy"
    label = "privacy"
