"""The app's configuration."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    """The configuration of ``apps.inbox``."""

    name = "apps.inbox"
    label = "inbox"

    def ready(self) -> None:
        from apps.inbox import openapi  # noqa: F401  (registers end users' tokens)
