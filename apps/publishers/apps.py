from django.apps import AppConfig


class PublishersConfig(AppConfig):
    name = "apps.publishers"
    label = "publishers"

    def ready(self) -> None:
        # Both register themselves: with Django's signals, and with drf-spectacular.
        from apps.publishers import invalidation, openapi  # noqa: F401
