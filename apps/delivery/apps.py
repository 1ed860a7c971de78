from celery.signals import worker_shutdown
from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "apps.delivery"
    label = "delivery"

    def ready(self) -> None:
        worker_shutdown.connect(_close_engine, dispatch_uid="close-engine")


def _close_engine(**_: object) -> None:
    """Provider connections are closed before the interpreter takes the loop away."""
    from apps.delivery import wiring

    wiring.close()
