from django.apps import AppConfig


class PublishersConfig(AppConfig):
    name = "apps.publishers"
    label = "publishers"

    def ready(self) -> None:
        from apps.publishers import openapi  # noqa: F401  (registers with drf-spectacular)
