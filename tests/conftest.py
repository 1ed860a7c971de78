"""Fixtures for every test, and the line that names what could not be tested."""

import os

import pytest
from django.conf import settings

pytest_plugins = ["tests.quicker", "tests.sandbox_fixture"]

NO_RABBITMQ = "no RabbitMQ: install Debian's rabbitmq-server, or set AMQP_URL to one that answers"
NO_CHROMIUM = "no browser: install Debian's chromium"
NO_NODE = "no Node: install Debian's nodejs and npm"
NO_JAVA = "no Java: install Debian's default-jre-headless"
NO_NGINX = "no nginx with Lua: install Debian's libnginx-mod-http-lua"


#: As in production, every channel has a provider. A test that sends sets up its own.
PROVIDERS = {
    name: {"class": "tests.nobody.Nobody", "channel": channel}
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
        pytest.skip(NO_RABBITMQ)
    return url


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    for reason in (NO_RABBITMQ, NO_CHROMIUM, NO_NGINX, NO_NODE, NO_JAVA):
        names = [report.nodeid for report in skipped if reason in str(report.longrepr)]
        if names:
            terminalreporter.write_line(
                f"NOT TESTED ({len(names)}), {reason}: {', '.join(names)}", red=True, bold=True
            )
