"""The Django app, and what workers and beat do when they start."""

from celery.signals import beat_init, celeryd_after_setup
from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """The app ``alerts``."""

    name = "apps.alerts"
    label = "alerts"

    def ready(self) -> None:
        """Start the thread of each worker and beat; ``web`` and ``stream`` start theirs."""
        from apps.alerts import evaluator

        celeryd_after_setup.connect(evaluator.start, dispatch_uid="alerts")
        beat_init.connect(evaluator.start, dispatch_uid="alerts")
