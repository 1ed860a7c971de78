"""Fixtures for every test."""

import os
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings

from stack.debian import RABBITMQ
from tests.support.bare_environment import BARE

# Assertions of helpers say what they compared, as those of tests do.
TESTS = Path(__file__).parent
HELPERS = [
    ".".join(["tests", *file.relative_to(TESTS).with_suffix("").parts])
    for file in TESTS.glob("support/**/[a-z]*.py")
]
pytest.register_assert_rewrite(*HELPERS, "tests.browser.presses")

# No deadline: an example takes longer while the machine does other work.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

pytest_plugins = [
    "tests.support.programs",
    "tests.support.django_speedups",
    "tests.support.publishers.inbox_library",
    "tests.support.sandbox_fixture",
    "tests.support.waiting",
]

#: A provider for every channel, as in production. A test that sends sets up its own.
PROVIDERS = {
    name: {"class": "tests.support.fakes.null_provider.Nobody", "channel": channel}
    for name, channel in {"fcm": "push", "twilio": "sms", "sendgrid": "email"}.items()
}


def pytest_configure(config: pytest.Config) -> None:
    settings.PROVIDERS |= PROVIDERS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if BARE and not all(item.nodeid.startswith("tests/unit/") for item in items):
        pytest.exit(
            "Only tests/unit runs without servers: run `make test ARGS=…` for the others",
            returncode=1,
        )


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """The URL of RabbitMQ. A test that asks for it is skipped, loudly, where there is none."""
    url = os.environ["AMQP_URL"]
    if not url.startswith("amqp"):
        pytest.skip(f"{RABBITMQ.missing}, or set AMQP_URL to one that answers")
    return url
