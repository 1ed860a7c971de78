"""The app's configuration."""

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """The configuration of ``apps.schedules``."""

    name = "apps.schedules"
    label = "schedules"

    def ready(self) -> None:
        from apps.delivery.monitoring import metrics
        from apps.schedules.monitoring import Schedules

        metrics.register(Schedules)
