"""Failover: a message goes to the channel's next provider only if its provider is at fault."""

import pytest

from apps.delivery.flow import provider_pauses
from apps.delivery.models import Delivery
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry, Unknown
from tests.support.deliveries.workers import send as send_once
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient

HELLO = {"body": "Hello", "title": "Hello"}
LONG_AGO = "2020-01-01T00:00:00Z"


class First(Scripted):
    calls: list[str] = []


class Second(Scripted):
    calls: list[str] = []


class Third(Scripted):
    calls: list[str] = []


@pytest.fixture
def carriers(settings):
    """Make a channel's providers, each of which always returns one outcome."""

    def make(channel, *outcomes):
        entries = {}
        for kind, outcome in zip((First, Second, Third), outcomes, strict=False):
            kind.calls = []
            say(kind, outcome)
            path = f"{__name__}.{kind.__name__}"
            entries[kind.__name__.lower()] = {"class": path, "channel": channel}
        settings.PROVIDERS = entries

    return make


def say(kind, *outcomes):
    """Return these outcomes, call by call, and the last one for ever."""
    left = list(outcomes)
    kind.answer = staticmethod(lambda message: left.pop(0) if len(left) > 1 else left[0])


@pytest.fixture
def send(shop, work):
    def run(channel="sms", **fields):
        address = {"sms": "+4366012345678", "email": "ada@example.com"}[channel]
        recipient("ada", **{channel: address})
        body = {"user_id": "ada", "channels": [channel], "content": HELLO, **fields}
        posted = shop.post("notifications", body)
        work()
        return posted

    return run


@pytest.fixture
def again(swept):
    """Send what is due; with ``anyhow``, what waits for later as well."""

    def run(anyhow=False):
        if anyhow:
            Delivery.objects.filter(state="retrying").update(next_attempt_at=LONG_AGO)
        swept()

    return run


def delivery(shop, posted):
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    return row


def tries(row):
    return [(one["provider"], one["outcome"], one["reason"]) for one in row["attempts"]]


@pytest.mark.parametrize("word", ["500", "401", "429"])
def test_mail_that_sendgrid_does_not_take_goes_through_the_mail_server(
    shop, providers, settings, send, again, word
):
    options = {**settings.PROVIDERS["sendgrid"]["options"], **providers.config["smtp"]}
    unknown = ("api_key", "base_url")
    settings.PROVIDERS["smtp"] = {
        "class": "notifier.providers.smtp.SMTP",
        "channel": "email",
        "options": {name: value for name, value in options.items() if name not in unknown},
    }
    providers.client.behave("sendgrid", word)
    posted = send("email")
    again()
    row = delivery(shop, posted)
    assert (row["state"], row["provider"]) == ("accepted", "smtp")
    assert [one["provider"] for one in row["attempts"]] == ["sendgrid", "smtp"]
    [taken] = [one for one in providers.client.messages(channel="email") if one["accepted"]]
    assert (taken["provider"], taken["delivery_id"]) == ("smtp", row["id"])


FAULTS = [
    Retry(Reason.PROVIDER_ERROR, status=503),
    Retry(Reason.CONNECTION),
    Retry(Reason.RATE_LIMITED, after=3600.0, status=429),
    Refused(Reason.AUTHENTICATION, status=401),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.reason)
def test_what_is_a_providers_fault_goes_to_the_next_one_at_once(shop, carriers, send, fault):
    carriers("sms", fault, Accepted("id-2"))
    posted = send()
    row = delivery(shop, posted)
    assert (row["state"], row["provider"], row["provider_message_id"]) == (
        "accepted",
        "second",
        "id-2",
    )
    kind = "retry" if isinstance(fault, Retry) else "refused"
    assert tries(row) == [("first", kind, fault.reason), ("second", "accepted", "")]
    assert shop.counts(posted) == {"sms": {"accepted": 1}}


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.NO_ANSWER, Reason.PROVIDER_ERROR])
def test_what_may_have_been_sent_never_moves_over(shop, carriers, send, again, reason):
    carriers("sms", Unknown(reason), Accepted("id"))
    posted = send(priority="normal")
    again(anyhow=True)
    assert delivery(shop, posted)["state"] == "unknown" and Second.calls == []


def test_what_may_have_been_sent_is_sent_again_through_the_same_provider(
    shop, carriers, send, again
):
    carriers("sms", Unknown(Reason.PROVIDER_ERROR), Accepted("id"))
    posted = send(priority="high")
    again(anyhow=True)
    assert len(First.calls) == 2 and Second.calls == []
    assert {provider for provider, *_ in tries(delivery(shop, posted))} == {"first"}


@pytest.mark.parametrize(
    "refusal",
    [Refused(Reason.INVALID_ADDRESS), Refused(Reason.REJECTED), Refused(Reason.INVALID_MESSAGE)],
    ids=lambda refusal: refusal.reason,
)
def test_what_is_wrong_with_the_message_is_so_everywhere(shop, carriers, send, again, refusal):
    carriers("sms", refusal, Accepted("id"))
    posted = send()
    again(anyhow=True)
    assert delivery(shop, posted)["state"] == "failed" and Second.calls == []


def test_refused_credentials_are_a_dead_letter_where_there_is_no_other_provider(
    shop, carriers, send
):
    carriers("sms", Refused(Reason.AUTHENTICATION, status=401))
    row = delivery(shop, send())
    assert (row["state"], row["reason"]) == ("dead", "authentication")


def test_a_round_through_all_providers_is_one_try_of_the_retry_policy(
    shop, carriers, send, again, settings
):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "sms": (60.0,)}
    carriers("sms", *[Retry(Reason.PROVIDER_ERROR)] * 2, Refused(Reason.AUTHENTICATION))
    posted = send()
    again()
    again()
    row = delivery(shop, posted)
    assert [one["provider"] for one in row["attempts"]] == ["first", "second", "third"]
    again()
    assert len(delivery(shop, posted)["attempts"]) == 3, "after the last one it waits its minute"
    for _ in range(3):
        again(anyhow=True)
    row = delivery(shop, posted)
    assert [one["provider"] for one in row["attempts"]] == ["first", "second", "third"] * 2
    assert [one["number"] for one in row["attempts"]] == [1, 2, 3, 4, 5, 6]
    assert (row["state"], row["reason"]) == ("dead", "authentication")


def test_traffic_returns_by_itself(shop, carriers, send, again):
    carriers("sms", Retry(Reason.PROVIDER_ERROR), Accepted("id"))
    first = send()
    again()
    say(First, Accepted("id"))
    body = {"user_id": "ada", "channels": ["sms"], "content": HELLO}
    second = shop.post("notifications", body)
    again()
    assert delivery(shop, first)["provider"] == "second"
    assert delivery(shop, second)["provider"] == "first"


def test_with_the_next_provider_paused_it_waits_for_its_own(shop, carriers, send, again):
    carriers("sms", Retry(Reason.PROVIDER_ERROR), Accepted("id"))
    provider_pauses.pause("second")
    posted = send()
    again()
    assert len(First.calls) == 1, "it waits as long as the policy says"
    again(anyhow=True)
    assert len(First.calls) == 2 and Second.calls == []
    provider_pauses.resume("second")
    again(anyhow=True)
    assert delivery(shop, posted)["provider"] == "second"


def test_a_policy_of_one_attempt_asks_every_provider_once(shop, carriers, send, again, settings):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "sms": ()}
    carriers("sms", *[Retry(Reason.CONNECTION)] * 2)
    posted = send()
    again()
    row = delivery(shop, posted)
    assert (row["state"], len(row["attempts"])) == ("dead", 2)


@pytest.mark.parametrize("state", ["expired", "cancelled"])
def test_nothing_moves_over_after_its_expiry_or_a_cancel(shop, carriers, again, execute, state):
    carriers("sms", Retry(Reason.PROVIDER_ERROR), Accepted("id"))
    recipient("ada", sms="+4366012345678")
    posted = shop.post("notifications", {"user_id": "ada", "channels": ["sms"], "content": HELLO})
    send_once("sms")
    assert delivery(shop, posted)["state"] == "retrying"
    if state == "expired":
        execute("UPDATE delivery_notification SET expires_at = now()")
    else:
        shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    again()
    assert delivery(shop, posted)["state"] == state and Second.calls == []
