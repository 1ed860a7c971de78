"""``amqps://``: the broker has to be the one that ``AMQP_URL`` names."""

from collections.abc import Iterator

import kombu
import pytest

from apps.delivery.monitoring import broker
from config.celery import app
from stack import debian
from stack.backends.rabbitmq import RabbitMQ
from stack.state_directory import fresh
from stack.supervision import ports, unprivileged
from tests.support.fakes import certificates
from tests.support.programs import need


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    """A RabbitMQ with TLS: its URL as ``localhost``, and the file that vouches for that name."""
    need(debian.RABBITMQ)
    with fresh("tls") as state:
        rabbit = RabbitMQ(state)
        port = ports.free()
        pem, key = certificates.make(state.path("certificates"), "localhost")
        for path in (pem, key):
            unprivileged.give(path)
        with rabbit.settings.open("a") as settings:
            settings.write(
                f"listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {pem}\n"
                f"ssl_options.certfile = {pem}\nssl_options.keyfile = {key}\n"
                "ssl_options.verify = verify_none\n"
            )
        with rabbit:
            yield f"amqps://notifier:{rabbit.password}@localhost:{port}//", str(pem)


@pytest.fixture
def at(monkeypatch):
    """Have this process's Celery connect there."""

    def point(url: str) -> None:
        monkeypatch.setattr(app.conf, "broker_read_url", url)

    return point


def refusal() -> str:
    """Return why this process does not connect."""
    with pytest.raises(broker.Down) as refused:
        broker.ping()
    return str(refused.value.__cause__)


def test_a_broker_that_proves_its_name_is_believed(server, settings, at):
    url, settings.BROKER_CA_FILE = server
    at(url)
    broker.ping()


def test_a_broker_with_another_name_is_not(server, settings, at):
    url, settings.BROKER_CA_FILE = server
    at(url.replace("localhost", "127.0.0.1"))
    assert "certificate verify failed" in refusal()


def test_a_broker_of_an_unknown_authority_is_not(server, settings, at):
    url, _ = server
    at(url)
    assert "certificate verify failed" in refusal()


def test_each_node_of_a_cluster_is_asked_for_its_own_name(server, settings):
    """Kombu by itself would ask the second one for the name of the first."""
    url, settings.BROKER_CA_FILE = server
    nobody = f"amqps://me:me@127.0.0.1:{ports.free()}//"
    with kombu.Connection(f"{nobody};{url}", connect_timeout=5) as connection:
        connection.ensure_connection(max_retries=3)
        assert connection.connection.transport.sock.version() in ("TLSv1.2", "TLSv1.3")
