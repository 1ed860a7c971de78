"""The configuration of this app."""

from django.apps import AppConfig


class SigninConfig(AppConfig):
    """The configuration of ``apps.operators.signin``."""

    name = "apps.operators.signin"
    label = "signin"

    def ready(self) -> None:
        # On import it registers with Django's signals.
        from apps.operators.signin import session_list  # noqa: F401
