"""The app's configuration."""

from django.apps import AppConfig


class ContentConfig(AppConfig):
    """The configuration of ``apps.content``."""

    name = "apps.content"
    label = "content"

    def ready(self) -> None:
        from apps.content import receivers  # noqa: F401  (listens to signals)
