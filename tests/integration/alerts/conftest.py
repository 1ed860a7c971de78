"""Alerts in this process: real servers, rounds run by hand, time passed in the rows."""

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db import connection

from apps.alerts import certificates, evaluation
from apps.alerts.conditions import deliveries, table
from apps.alerts.models import Alert, Turn
from config.operators.alerts import MailServer
from stack.supervision.process import PATIENCE
from tests.integration.delivery.conftest import execute
from tests.support.deliveries.engine import fresh_engine, work
from tests.support.deliveries.sandbox_providers import providers
from tests.support.fakes.alert_receivers import Mailbox, Receiver, http_receiver, mail_server
from tests.support.publishers.admin_actions import onlooker, operator
from tests.support.publishers.shop import shop

__all__ = [
    "execute",
    "fresh_engine",
    "onlooker",
    "operator",
    "providers",
    "shop",
    "work",
]  # fixtures

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every condition anew, and wait for it: the machine may be busy."""
    table.forget()
    certificates.forget()
    monkeypatch.setattr(certificates, "WAIT_SECONDS", PATIENCE)
    monkeypatch.setattr(deliveries, "MEASURED_WITHIN", PATIENCE)


@pytest.fixture
def mailbox(settings, transactional_db: None) -> Iterator[Mailbox]:
    """The mailbox of two operators, to whom alerts are mailed."""
    with mail_server() as (found, port):
        settings.ALERTS = replace(
            settings.ALERTS,
            emails=["ops@example.com", "night@example.com"],
            sender="alerts@example.com",
            server=MailServer("127.0.0.1", port, "", "", "none"),
        )
        yield found


@pytest.fixture
def receiver(settings, transactional_db: None) -> Iterator[Receiver]:
    """The receiver that alerts are posted to."""
    with http_receiver() as found:
        settings.ALERTS = replace(settings.ALERTS, webhook_url=found.url, webhook_secret=SECRET)
        yield found


@pytest.fixture
def evaluate(transactional_db: None) -> Callable[..., bool]:
    """Run a round as a process of this name does; the one before is over or gone."""

    def run(holder: str = "beat 1") -> bool:
        table.forget()
        Turn.objects.all().delete()
        return evaluation.run(holder)

    return run


@pytest.fixture
def passes(transactional_db: None) -> Callable[[int], None]:
    """Let so many seconds pass for the alerts: every time in their rows is that much earlier."""

    def run(seconds: int) -> None:
        columns = ("since", "began_at", "clear_since", "ended_at", "mailed_at", "posted_at")
        moved = ", ".join(f"{name} = {name} - {seconds} * interval '1 second'" for name in columns)
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {Alert._meta.db_table} SET {moved}")

    return run


@pytest.fixture
def firing(transactional_db: None) -> Callable[[], set[str]]:
    """The alerts that fire, as ``name about``."""

    def run() -> set[str]:
        return {str(row) for row in Alert.objects.all() if row.fires}

    return run


def database_url() -> str:
    """The URL of this test's database, for a process."""
    url = os.environ["DATABASE_URL"].rpartition("/")[0]
    return f"{url}/{connection.settings_dict['NAME']}"
