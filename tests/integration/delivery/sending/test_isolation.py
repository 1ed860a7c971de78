"""One malformed row affects no other, at whatever stage it is met."""

from typing import Any

import pytest
from django.db import DataError, OperationalError, ProgrammingError
from rest_framework.test import APIClient

from apps.delivery import sealed_content, tasks
from apps.delivery import state as delivery_state
from apps.delivery.models import Chunk, Delivery, Notification, Receipt
from apps.delivery.receipts import events, processing
from apps.inbox import services
from apps.inbox.models import InboxItem
from apps.preferences.models import Contact
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry, Unknown
from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

SECRET = "0123456789abcdef0123456789abcdef"
NEVER = "9999-12-31T23:59:59.9999999Z"  # .NET's DateTime.MaxValue


def notify(shop: Shop, user_id: str, **fields: Any) -> Any:
    body = {"user_id": user_id, "channels": ["inbox"], "content": {"body": user_id}, **fields}
    return shop.post("notifications", body)


@pytest.fixture
def mixed(shop: Shop, work: Any, wake: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Post notifications that end up in one claim, as after a database that was away."""

    def post(*user_ids: str, first: Any = None) -> list[Any]:
        posted = []
        for user_id in user_ids:
            recipient(user_id)
            posted.append(notify(shop, user_id, **((first or {}) if not posted else {})))
        with monkeypatch.context() as patch:

            def gone(messages: Any) -> None:
                raise OperationalError

            patch.setattr(services, "write", gone)
            work()
        assert Delivery.objects.filter(state="retrying").count() == len(posted)
        wake()
        return posted

    return post


def states(shop: Shop, posted: list[Any]) -> list[str]:
    return [next(iter(shop.counts(one)["inbox"])) for one in posted]


@pytest.fixture
def ada(shop: Shop, settings: Any) -> APIClient:
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    http = APIClient()
    http.credentials(HTTP_AUTHORIZATION=f"Bearer {sign(lasting({'sub': 'ada'}), SECRET)}")
    return http


@pytest.mark.parametrize(
    "expires_at",
    [NEVER, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z", "2099-12-31T23:59:59.000001Z"],
)
def test_what_never_expires_is_in_the_inbox_with_its_time_and_so_is_the_rest_of_its_chunk(
    shop: Shop, mixed: Any, work: Any, ada: APIClient, expires_at: str
):
    posted = mixed("ada", "bob", "eve", first={"expires_at": expires_at})
    work()
    assert states(shop, posted) == ["delivered"] * 3
    [item] = ada.get("/v1/inbox").json()["data"]
    assert item["expires_at"] == expires_at.replace(".9999999Z", ".999999Z")


@pytest.mark.parametrize(
    "broken",
    [
        b"not a ciphertext",
        "[]",
        '{"colour": "red"}',
        '{"body": 7}',
        '{"source": "a\\u0000b", "body": "x"}',
        '{"severity": "much longer than its column", "body": "x"}',
        '{"title": {"a": 1}, "actions": null, "body": null}',
    ],
)
def test_content_that_is_broken_spares_the_rest_of_its_chunk(
    shop: Shop, mixed: Any, work: Any, broken: Any
):
    posted = mixed("ada", "bob", "eve")
    row = Notification.objects.get(pk=posted[1]["id"])
    if isinstance(broken, str):
        sealed = sealed_content.keyring().encrypt(broken.encode(), sealed_content.context(row.pk))
    else:
        sealed = broken
    Notification.objects.filter(pk=row.pk).update(content=sealed)
    work()
    assert states(shop, posted)[::2] == ["delivered"] * 2
    assert InboxItem.objects.filter(recipient__user_id__in=["ada", "eve"]).count() == 2


def test_a_contact_that_is_gone_or_cannot_be_opened_spares_the_rest(
    shop: Shop, mixed: Any, work: Any, execute: Any
):
    posted = mixed("ada", "bob", "eve")
    Contact.objects.filter(recipient__user_id="bob").update(address=b"\x00", masked="?")
    execute(
        "UPDATE delivery_delivery SET contact_id = 999999 WHERE notification_id = %s",
        posted[2]["id"],
    )
    work()
    assert states(shop, posted)[0] == "delivered"
    assert not Chunk.objects.exclude(state="done").exists()


def test_a_template_that_is_gone_spares_the_rest(shop: Shop, mixed: Any, work: Any, execute: Any):
    posted = mixed("ada", "bob", "eve")
    execute(
        "UPDATE delivery_notification SET template_version_id = 999999 WHERE id = %s",
        posted[1]["id"],
    )
    work()
    rows = Delivery.objects.order_by("id").values_list("state", flat=True)
    assert list(rows) == ["delivered", "failed", "delivered"]


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A scripted provider of the inbox."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {"inbox": {"class": path, "channel": "inbox"}}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(Scripted, "calls", [])
    return Scripted


def test_a_schema_of_another_version_is_not_looked_for_row_by_row(
    shop: Shop, work: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
):
    tried = []

    def record(results: Any, **options: Any) -> None:
        tried.append(len(results))
        raise ProgrammingError("there is no such column")

    monkeypatch.setattr(delivery_state, "record", record)
    monkeypatch.setattr(provider, "answer", lambda message: Accepted("m", delivered=True))
    user_ids = [recipient(f"person-{number}").user_id for number in range(8)]
    shop.post(
        "notifications", {"user_ids": user_ids, "channels": ["inbox"], "content": {"body": "x"}}
    )
    with pytest.raises(AssertionError, match="a claim was not closed"):
        work()
    assert tried == [8]


@pytest.mark.parametrize(
    ("odd", "state"),
    [
        (Accepted("\ud800", delivered=True), "delivered"),
        (Accepted("m", delivered=True, status=10**6), "delivered"),
        (Refused(Reason.REJECTED, status=10**6, detail="a\ud800\0b"), "failed"),
        (Retry(Reason.PROVIDER_ERROR, status=-(10**6)), "retrying"),
        # Mistakes of a provider's own code, which no type checker has seen.
        (Accepted(7, delivered=True), "delivered"),
        (Refused(Reason.REJECTED, detail=7), "failed"),
        (Retry(Reason.PROVIDER_ERROR, detail=7), "dead"),
        (Unknown(detail=7), "unknown"),
        (None, "unknown"),
    ],
)
def test_an_answer_that_cannot_be_written_down_costs_the_others_nothing(
    shop: Shop, work: Any, provider: Any, monkeypatch: pytest.MonkeyPatch, odd: Any, state: str
):
    monkeypatch.setattr(
        provider,
        "answer",
        lambda message: odd if message.user_id == "bob" else Accepted("m", delivered=True),
    )
    for user_id in ("ada", "bob", "eve"):
        recipient(user_id)
    posted = shop.post(
        "notifications",
        {"user_ids": ["ada", "bob", "eve"], "channels": ["inbox"], "content": {"body": "x"}},
    )
    work()
    counts = shop.counts(posted)["inbox"]
    expected = {"delivered": 3} if state == "delivered" else {"delivered": 2, state: 1}
    assert counts == expected
    assert len(provider.calls) == 3
    assert not Chunk.objects.exclude(state="done").exists()


def test_a_retry_policy_that_is_broken_costs_the_others_nothing(
    shop: Shop, work: Any, provider: Any, monkeypatch: pytest.MonkeyPatch, execute: Any
):
    topic = shop.topic()
    monkeypatch.setattr(provider, "answer", lambda message: Retry(Reason.PROVIDER_ERROR))
    for user_id in ("ada", "bob"):
        shop.http.put(f"/v1/recipients/{user_id}", {}, format="json")
        body = {"user_id": user_id, "channels": ["inbox"]}
        shop.post(f"topics/{topic.name}/subscriptions", body, status=200)
    execute(
        "UPDATE topics_subscription SET retry_policy = '{\"attempts\": 3}' WHERE recipient_id = "
        "(SELECT id FROM preferences_recipient WHERE user_id = 'bob')"
    )
    posted = shop.post("topics/news/publish", {"content": {"body": "x"}, "channels": ["inbox"]})
    work()
    assert shop.counts(posted) == {"inbox": {"retrying": 2}}


def test_a_receipt_that_cannot_be_applied_does_not_keep_the_others_waiting(
    shop: Shop, providers: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.PROVIDERS["twilio"]["receipts"] = {
        "class": "notifier.receipts.twilio.TwilioReceipts",
        "options": {"auth_token": "t", "callback": "https://notify.example.com"},
    }
    for number in (1, 2, 3):
        processing.store("twilio", f"delivery_id=dlv_{number}", b"MessageStatus=delivered")
    apply, applied = events.apply, []

    def odd(found: Any) -> None:
        if any(one.delivery == 2 for one in found):
            raise DataError("value out of range")
        applied.extend(one.delivery for one in found)
        apply(found)

    monkeypatch.setattr(events, "apply", odd)
    tasks.receipts.apply(throw=True)
    assert applied == [1, 3]
    assert not Receipt.objects.filter(read_at__isnull=True).exists()
    [kept] = Receipt.objects.exclude(body=b"")  # kept for an operator to look at
    assert kept.pk == Receipt.objects.order_by("pk")[1].pk
