"""The app's configuration."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """Pages for people. It has templates and no tables."""

    name = "apps.pages"
