"""The configuration of this app."""

from django.apps import AppConfig


class SigninConfig(AppConfig):
    """The configuration of ``apps.operators.signin``."""

    name = "apps.operators.signin"
    label = "signin"
