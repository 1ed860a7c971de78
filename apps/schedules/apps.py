"""The app's configuration."""

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """The configuration of ``apps.schedules``."""

    name = "apps.schedules"
    label = "schedules"
