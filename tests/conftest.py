"""Fixtures for every test."""

import os

import pytest
from django.conf import settings

from stack.debian import RABBITMQ

pytest_plugins = [
    "tests.support.programs",
    "tests.support.django_speedups",
    "tests.support.sandbox_fixture",
    "tests.support.waiting",
]

#: As in production, every channel has a provider. A test that sends sets up its own.
PROVIDERS = {
    name: {"class": "tests.support.null_provider.Nobody", "channel": channel}
    for name, channel in {"fcm": "push", "twilio": "sms", "sendgrid": "email"}.items()
}


def pytest_configure(config: pytest.Config) -> None:
    if "DATABASE_URL" not in os.environ:
        pytest.exit("The tests want real servers: run `make test ARGS=…`", returncode=1)
    settings.PROVIDERS |= PROVIDERS


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """Where RabbitMQ is. A test that asks for it is skipped, loudly, where there is none."""
    url = os.environ["AMQP_URL"]
    if not url.startswith("amqp"):
        pytest.skip(f"{RABBITMQ.missing}, or set AMQP_URL to one that answers")
    return url
