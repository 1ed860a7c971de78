"""The app's configuration."""

from django.apps import AppConfig


class PreferencesConfig(AppConfig):
    """The configuration of ``apps.preferences``."""

    name = "apps.preferences"
    label = "preferences"
