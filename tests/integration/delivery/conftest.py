"""The delivery line in one process: the real API, database and sandbox, tasks run by hand."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from celery import current_app
from django.db import connection as database
from django.db.models.functions import Now
from kombu import Queue
from rest_framework.test import APIClient

from apps.core.cache import ask_redis
from apps.delivery import tasks
from apps.delivery.flow import breakers, provider_pauses
from apps.delivery.flow.breaker_store import KEY
from apps.delivery.intake import load_shedding
from apps.delivery.models import Chunk, Claim, Delivery
from apps.delivery.sending import process
from apps.preferences import vault
from apps.preferences.models import Contact, Recipient
from apps.publishers import services as publishers
from apps.publishers.scopes import Scope
from apps.topics.models import Subscription, Topic


@dataclass
class Shop:
    """A publisher with a key that may do everything, and its HTTP client."""

    id: int
    http: APIClient
    names: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def topic(self, name: str = "news", **fields: Any) -> Topic:
        return Topic.objects.create(name=name, publisher_id=self.id, **fields)

    def post(self, path: str, body: Any, *, status: int = 202, **headers: str) -> Any:
        answer = self.http.post(f"/v1/{path}", body, format="json", headers=headers)
        assert answer.status_code == status, answer.json()
        return answer.json()

    def get(self, path: str, *, status: int = 200, **query: Any) -> Any:
        answer = self.http.get(f"/v1/{path}", query)
        assert answer.status_code == status, answer.json()
        return answer.json()

    def counts(self, notification: Any) -> dict[str, dict[str, int]]:
        return self.get(f"notifications/{notification['id']}")["counts"]


def make_shop(name: str = "shop", scopes: Iterable[str] = tuple(Scope)) -> Shop:
    publisher = publishers.create_publisher(name)
    _, key = publishers.create_key(publisher.pk, list(scopes))
    http = APIClient()
    http.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return Shop(publisher.pk, http)


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return make_shop()


@pytest.fixture
def other_shop(transactional_db: None) -> Shop:
    return make_shop("other")


def recipient(user_id: str, **addresses: str) -> Recipient:
    """A person with an inbox and these addresses: ``email=…``, ``push_ios=token``, …"""
    person = Recipient.objects.create(user_id=user_id)
    for name, address in {"inbox": user_id, **addresses}.items():
        channel, _, platform = name.partition("_")
        contact(channel, address, recipient=person, platform=platform)
    return person


def contact(channel: str, address: str, **fields: Any) -> Contact:
    sealed = vault.seal(channel, address)
    return Contact.objects.create(
        channel=channel,
        address=sealed.ciphertext,
        address_index=sealed.index,
        masked=sealed.masked,
        **fields,
    )


def subscribe(topic: Topic, person: Recipient, *channels: str) -> None:
    for channel in channels:
        Subscription.objects.create(topic=topic, recipient=person, channel=channel)


def work_once() -> int:
    """Ring for every queue, and wait until all that was claimed is on record; how much it was."""
    done = 0
    for task in tasks.DOORBELLS.values():
        done += task.apply(throw=True).result["carried"]
    assert process.worker().join(60), "claims are not on record after a minute"
    return done


@pytest.fixture
def work() -> Callable[[], None]:
    """Empty every queue, as workers would, until nothing is left that may be claimed."""

    def run() -> None:
        while work_once():
            pass
        ready = Chunk.objects.filter(state="queued", ready_at__lte=Now()).exclude(kind="retry")
        assert not ready.exists(), "a chunk was not claimed"
        assert not Claim.objects.exists(), "a claim was not closed"

    return run


@pytest.fixture
def wake() -> Callable[[], None]:
    """Make every waiting delivery due now and let the sweeper find it."""

    def run() -> None:
        Delivery.objects.filter(next_attempt_at__isnull=False).update(
            next_attempt_at="2020-01-01T00:00:00Z"
        )
        tasks.sweep.apply(throw=True)

    return run


@pytest.fixture
def swept(work) -> Callable[[], None]:
    """What the sweeper finds due now, and the workers after it."""

    def run_due() -> None:
        tasks.sweep.apply(throw=True)
        work()

    return run_due


@pytest.fixture(autouse=True)
def _engine_of_this_test() -> Iterator[None]:
    """Each test's providers are its own, and nobody has paused them yet."""
    provider_pauses.forget()
    breakers.forget()
    load_shedding.forget()
    ask_redis(lambda client: [client.delete(key) for key in client.scan_iter(f"{KEY}*")])
    yield
    process.close()


@pytest.fixture
def queue() -> Iterator[Queue]:
    """The broker's queue of urgent inbox chunks, emptied."""
    with current_app.connection_for_write() as connection:
        queue = current_app.amqp.queues["deliver.inbox.high"].bind(connection.default_channel)
        queue.declare()
        queue.purge()
        yield queue


@pytest.fixture
def execute(transactional_db: None) -> Callable[..., list[tuple]]:
    def run(statement: str, *params: Any) -> list[tuple]:
        with database.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def providers(sandbox, settings):
    """Every provider, at the sandbox."""
    config = sandbox.config
    wire = {"ca_file": config["ca_file"], "timeout": 2.0, "concurrency": 64}
    fcm, apns, twilio = config["fcm"], config["apns"], config["twilio"]
    sendgrid = config["sendgrid"]
    settings.PROVIDERS = {
        "fcm": {
            "class": "notifier.providers.fcm.FCM",
            "channel": "push",
            "platforms": ["android", "web"],
            "options": {
                "project_id": fcm["project_id"],
                "service_account_file": fcm["service_account_file"],
                "base_url": fcm["base_url"],
                **wire,
            },
        },
        "apns": {
            "class": "notifier.providers.apns.APNs",
            "channel": "push",
            "platforms": ["ios"],
            "options": {
                **{name: apns[name] for name in ("topic", "key_file", "key_id", "team_id")},
                "base_url": apns["base_url"],
                **wire,
            },
        },
        "twilio": {
            "class": "notifier.providers.twilio.Twilio",
            "channel": "sms",
            "options": {
                "account_sid": twilio["account_sid"],
                "auth_token": twilio["auth_token"],
                "from_number": twilio["from_number"],
                "base_url": twilio["base_url"],
                **wire,
            },
        },
        "sendgrid": {
            "class": "notifier.providers.sendgrid.SendGrid",
            "channel": "email",
            "options": {
                "api_key": sendgrid["api_key"],
                "from_email": sendgrid["from_email"],
                "base_url": sendgrid["base_url"],
                **wire,
            },
        },
        "inbox": settings.PROVIDERS["inbox"],
    }
    return sandbox
