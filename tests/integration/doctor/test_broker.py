"""What ``manage.py doctor`` says of the broker."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import kombu
import pytest
from kombu import Exchange, Queue

from apps.doctor.checks import broker
from apps.doctor.findings import Level
from notifier.domain.queues import at_broker, names
from stack.backends import rabbitmq
from stack.supervision import ports
from tests.integration.doctor.conftest import only

PREFIX = "notifier.doctor"


@pytest.fixture(autouse=True)
def _own_queues(settings, rabbitmq_url: str) -> Iterator[None]:
    """Queues under a prefix of these tests, which are gone after each."""
    from config.worker import queues

    settings.QUEUE_PREFIX = PREFIX
    settings.CELERY_TASK_QUEUES = queues.live(PREFIX, settings.CHANNELS, quorum=False)
    yield
    rabbitmq.forget(rabbitmq_url, PREFIX)


def at(given: str, **parts: str) -> str:
    """The URL with another user, host or virtual host."""
    url = urlsplit(given)
    user = parts.get("user", f"{url.username}:{url.password}")
    host = parts.get("host", f"{url.hostname}:{url.port}")
    return url._replace(netloc=f"{user}@{host}", path=parts.get("path", url.path)).geturl()


def declare(settings, url: str) -> list[Queue]:
    """Declare the queues, as workers do."""
    with kombu.Connection(url) as connection:
        for queue in settings.CELERY_TASK_QUEUES:
            queue(connection.default_channel).declare()
    return settings.CELERY_TASK_QUEUES


def test_a_broker_that_cannot_be_reached_is_an_error_without_the_password(
    doctor, settings, rabbitmq_url
):
    settings.AMQP_URL = at(rabbitmq_url, user="me:secret", host=f"127.0.0.1:{ports.free()}")
    found = only(doctor("broker"), Level.ERROR, "cannot be reached")
    assert "secret" not in found.message


def test_each_node_of_a_cluster_is_looked_at(doctor, settings, rabbitmq_url):
    away = f"127.0.0.1:{ports.free()}"
    settings.AMQP_URL = f"{rabbitmq_url};{at(rabbitmq_url, host=away)}"
    assert away in only(doctor("broker"), Level.ERROR, "cannot be reached").message


def test_a_wrong_password_and_a_missing_virtual_host_are_told_apart(doctor, settings, rabbitmq_url):
    settings.AMQP_URL = at(rabbitmq_url, user="notifier:wrong")
    only(doctor("broker"), Level.ERROR, "refuses the user")
    settings.AMQP_URL = at(rabbitmq_url, path="/nowhere")
    assert "add_vhost" in only(doctor("broker"), Level.ERROR, "no such virtual host").remedy


def test_a_version_that_is_too_old_is_an_error(doctor, monkeypatch):
    monkeypatch.setattr(broker, "OLDEST", (99, 0))
    assert "99.0 or newer" in only(doctor("broker"), Level.ERROR, "is too old").remedy


def test_queues_that_no_worker_declared_are_a_warning(doctor):
    assert only(doctor("broker"), Level.WARNING, "declared the queues").remedy == (
        "start the workers"
    )


def test_a_queue_that_nothing_consumes_names_the_process_to_start(doctor, settings, rabbitmq_url):
    queues = declare(settings, rabbitmq_url)
    idle = at_broker(PREFIX, "deliver.sms.high")
    with kombu.Connection(rabbitmq_url) as connection:
        consumed = [queue for queue in queues if queue.name != idle]
        consumer = kombu.Consumer(connection.default_channel, consumed, on_message=lambda _: None)
        with consumer:
            found = only(doctor("broker"), Level.WARNING, "nothing consumes deliver.sms.high")
    assert found.remedy == "start sms_high"


def test_a_queue_that_is_missing_among_others_names_its_process(doctor, settings, rabbitmq_url):
    declare(settings, rabbitmq_url)
    with kombu.Connection(rabbitmq_url) as connection:
        connection.default_channel.queue_delete(at_broker(PREFIX, "receipts"))
    assert "housekeeping" in only(doctor("broker"), Level.WARNING, "has declared receipts").remedy


def test_a_queue_that_was_declared_otherwise_is_an_error(doctor, rabbitmq_url):
    name = at_broker(PREFIX, names(["push"])[0])
    with kombu.Connection(rabbitmq_url) as connection:
        Queue(name, Exchange("", type="direct"), durable=True)(
            connection.default_channel
        ).queue_declare()
    found = only(doctor("broker"), Level.ERROR, f"{name} was declared otherwise")
    assert "NOTIFIER_QUORUM_QUEUES" in found.remedy


def test_a_broker_elsewhere_is_to_have_tls(doctor, monkeypatch):
    monkeypatch.setattr(broker, "is_local", lambda host: False)
    assert "amqps://" in only(doctor("broker"), Level.WARNING, "no TLS").remedy


def test_redis_as_the_broker_is_a_warning(doctor, settings):
    settings.AMQP_URL = settings.REDIS_URL
    only(doctor("broker"), Level.WARNING, "is the broker")
