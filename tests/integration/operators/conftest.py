"""The admin over HTTP, on rows that the service itself made."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.support.deliveries.engine import fresh_engine, wake, work
from tests.support.deliveries.sandbox_providers import providers
from tests.support.publishers.shop import other_shop, shop

__all__ = ["fresh_engine", "other_shop", "providers", "shop", "wake", "work"]  # fixtures


@pytest.fixture
def operator(transactional_db: None) -> Client:
    """An operator who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def onlooker(transactional_db: None) -> Client:
    """An operator who may see everything, and change and reveal nothing."""
    user = User.objects.create_user("onlooker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client
