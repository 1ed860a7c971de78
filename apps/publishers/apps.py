"""The configurations of this app and of the admin."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.db.models.signals import post_migrate


class OperatorsConfig(admin.AdminConfig):
    """``django.contrib.admin`` with our own site."""

    default = False
    default_site = "apps.operators.site.OperatorsSite"


class PublishersConfig(AppConfig):
    """The configuration of ``apps.publishers``."""

    default = True
    name = "apps.publishers"
    label = "publishers"

    def ready(self) -> None:
        # On import they register with Django's signals or with drf-spectacular.
        from apps.api import openapi as _  # noqa: F401
        from apps.operators import roles
        from apps.publishers import invalidation  # noqa: F401
        from apps.publishers.api import openapi  # noqa: F401

        # After Django's own receiver, which writes the permissions of the app.
        post_migrate.connect(roles.keep_in_step, dispatch_uid="operators.roles")
