"""The app's configuration."""

from django.apps import AppConfig


class ContentConfig(AppConfig):
    """The configuration of ``apps.content``."""

    name = "apps.content"
    label = "content"
