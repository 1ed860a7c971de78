"""A provider's answer that quotes an address is kept and shown without it."""

import pytest

from apps.core.delivery_ids import public_id
from apps.delivery.models import Attempt, Delivery
from apps.preferences.models import Contact, Suppression
from notifier.domain.outcomes import Reason, Refused, Retry
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient

ADDRESSES = {
    "email": "ada@example.com",
    "sms": "+12025550123",
    "push_android": "device-0001:APA91bHun4MxP5egoKMwt2KZFBa",
}


@pytest.fixture
def answer(settings, monkeypatch):
    """Have the provider of email, text messages and push answer by a function of the message."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    names = [name.partition("_")[0] for name in ADDRESSES]
    settings.PROVIDERS = {name: {"class": path, "channel": name} for name in names}
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, **dict.fromkeys(names, (0.0,))}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    return lambda said: monkeypatch.setattr(Scripted, "answer", staticmethod(said))


def post(shop):
    names = [name.partition("_")[0] for name in ADDRESSES]
    body = {"user_id": "ada", "channels": names, "content": {"title": "Hi", "body": "Hello"}}
    return shop.post("notifications", body)


def test_an_address_that_is_refused_is_not_kept_in_clear(shop, answer, work, caplog):
    def refuse(message):
        text = f"550 <{message.address}> or {message.address.upper()} unknown"
        return Refused(Reason.INVALID_ADDRESS, 550, text, disable_contact=True)

    recipient("ada", **ADDRESSES)
    answer(refuse)
    posted = post(shop)
    work()
    said = "550 <[address]> or [address] unknown"
    assert set(Attempt.objects.values_list("detail", flat=True)) == {said}
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert [attempt["detail"] for row in rows for attempt in row["attempts"]] == [said] * 3
    for row in Delivery.objects.all():
        why = str(shop.get(f"deliveries/{public_id(row.pk)}/why"))
        assert "[address]" in why
        assert not any(address in why for address in ADDRESSES.values())
    disabled = Contact.objects.filter(state="disabled")
    assert [row.disabled_error for row in disabled] == [said] * 3
    assert set(Suppression.objects.values_list("error", flat=True)) == {said}
    assert not any(address in caplog.text for address in ADDRESSES.values())


def test_a_dead_letter_does_not_quote_the_address(shop, answer, work, wake):
    recipient("ada", **ADDRESSES)
    answer(lambda message: Retry(Reason.PROVIDER_ERROR, 0.0, 451, f"{message.address}: later"))
    post(shop)
    work()
    wake()
    work()
    letters = shop.get("dead-letters")["data"]
    assert len(letters) == 3
    for letter in letters:
        shown = shop.get(f"dead-letters/{letter['id']}")
        assert {one["detail"] for one in shown["attempts"]} == {"[address]: later"}
