"""Recorded answers of providers, and anything else that a server may say, over the wire.

The recorded ones are quoted from public bug reports and the providers' own pages. The provider's
outcome says who is at fault.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import h2.connection
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import FAULT, Accepted, Fault, Outcome, Reason, Refused, Retry
from notifier.providers.apns import APNs
from notifier.providers.base import Provider, Rule
from notifier.providers.fcm import FCM
from notifier.providers.sendgrid import SendGrid
from notifier.providers.smtp import SMTP
from notifier.providers.twilio import Twilio
from notifier.providers.webhook import Webhook
from tests.support.fakes.mail_server import TAKING, mail_server
from tests.support.fakes.tiny_servers import Handler, Http2Server, answering, listening
from tests.support.provider_contract import POSTED_AT, SECRET, send
from tests.support.sandbox_fixture import RunningSandbox

RECORDED = json.loads((Path(__file__).parents[2] / "recorded" / "answers.json").read_text())
CHANNEL = {"fcm": "push", "apns": "push", "twilio": "sms", "webhook": "webhook"}
ADDRESS = {
    "fcm": "device-0001:APA91bHun4MxP5egoKMwt2KZFBaFUH",
    "apns": "ab" * 32,
    "twilio": "+12025550123",
    "sendgrid": "ada@people.example",
    "smtp": "ada@people.example",
}


def http1(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> Handler:
    lines = [b"HTTP/1.1 %d X" % status, b"content-length: %d" % len(body)]
    lines += [name + b": " + value for name, value in headers]
    return answering(b"\r\n".join([*lines, b"", b""]) + body)


def http2(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> Handler:
    def answer(connection: h2.connection.H2Connection, stream: int, _: int) -> None:
        connection.send_headers(stream, [(b":status", b"%d" % status), *headers])
        connection.send_data(stream, body, end_stream=True)

    return Http2Server(answer)


def message(name: str, port: int) -> Message:
    webhook = name == "webhook"
    return Message(
        id=f"d_{name}_1",
        channel=CHANNEL.get(name, "email"),
        address=f"http://127.0.0.1:{port}/hook" if webhook else ADDRESS[name],
        content=Content("Hello", "there"),
        platform={"fcm": "android", "apns": "ios"}.get(name, ""),
        secret=SECRET if webhook else "",
        posted_at=POSTED_AT,
    )


def build(name: str, port: int, sandbox: RunningSandbox) -> Provider:
    """The provider with the sandbox's credentials, which calls ``port``."""
    given, url = dict(sandbox.config.get(name, {})), f"http://127.0.0.1:{port}"
    match name:
        case "fcm":
            account = given["service_account_file"]
            fcm = FCM(
                name,
                project_id=given["project_id"],
                service_account_file=account,
                base_url=url,
                ca_file=sandbox.config["ca_file"],
            )
            return fcm
        case "apns":
            keys = {key: given[key] for key in ("topic", "key_file", "key_id", "team_id")}
            return APNs(name, **keys, base_url=url)
        case "twilio":
            return Twilio(name, account_sid="AC1", auth_token="x", from_number="+1", base_url=url)
        case "sendgrid":
            return SendGrid(name, api_key="x", from_email="us@our.example", base_url=url)
    return Webhook(name, allowed_networks=["127.0.0.0/8"])


async def answered(
    name: str,
    sandbox: RunningSandbox,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> Outcome:
    """The provider's outcome for such an answer."""
    kind = http2 if name in ("fcm", "apns") else http1
    async with listening(kind(status, headers, body)) as port:
        async with closing(build(name, port, sandbox)) as provider:
            (outcome,) = await send(provider, message(name, port))
    return outcome


@contextlib.asynccontextmanager
async def closing(provider: Provider) -> AsyncIterator[Provider]:
    yield provider
    await provider.close()
    await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "row", RECORDED, ids=lambda row: f"{row['provider']}-{row['status']}-{row['source'][:40]}"
)
async def test_a_recorded_answer_is_blamed_on_whose_fault_it_is(
    row: dict[str, Any], sandbox: RunningSandbox
) -> None:
    body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
    outcome = await answered(row["provider"], sandbox, row["status"], [], body.encode())
    assert isinstance(outcome, Refused | Retry)
    assert outcome.reason == row["reason"]
    gives_up = isinstance(outcome, Refused) and outcome.disable_contact
    assert gives_up == row["gives_up"]
    if gives_up:
        assert FAULT[outcome.reason] is Fault.ADDRESS


@pytest.mark.parametrize("reason", [r for r, fault in FAULT.items() if fault is not Fault.ADDRESS])
def test_no_rule_gives_an_address_up_for_what_is_not_its_fault(reason: Reason) -> None:
    with pytest.raises(ValueError, match="no address's fault"):
        Rule(reason, disable=True)


# -- The first pause --------------------------------------------------------------------------

PAUSES = {"fcm": 60.0, "apns": 60.0, "twilio": 10.0, "sendgrid": 60.0, "webhook": 30.0}
JUNK = [
    b"",
    b"soon",
    b"soon\xff",
    b"\xff\xfe",
    b"-1",
    b"inf",
    b"nan",
    b"1e9",
    b"1" * 400,
    b"1, 2",
    b"0x10",
    b"Mon, 99 Foo 99999 99:99:99 GMT",
    b"Wed",
]
#: Dates that can be read though no server means them, and the fewest and most seconds until then.
ODD_DATES = {
    b"Fri, 31 Dec 9999 23:59:59 -2359": (1e11, 1e12),
    b"Mon, 01 Jan 0001 00:00:00 +2359": (0.0, 0.0),
}


@pytest.mark.parametrize("name", PAUSES)
@pytest.mark.parametrize("junk", JUNK)
async def test_a_retry_after_that_says_nothing_leaves_the_providers_own_pause(
    name: str, junk: bytes, sandbox: RunningSandbox
) -> None:
    outcome = await answered(name, sandbox, 429, [(b"retry-after", junk)], b"{}")
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.RATE_LIMITED
    assert outcome.after == PAUSES[name]


@pytest.mark.parametrize("name", PAUSES)
@pytest.mark.parametrize("date", ODD_DATES)
async def test_a_retry_after_is_kept_to_however_odd_its_date_is(
    name: str, date: bytes, sandbox: RunningSandbox
) -> None:
    outcome = await answered(name, sandbox, 429, [(b"retry-after", date)], b"{}")
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.RATE_LIMITED
    assert outcome.after is not None
    fewest, most = ODD_DATES[date]
    assert fewest <= outcome.after <= most


@pytest.mark.parametrize("name", PAUSES)
async def test_a_retry_after_is_kept_to_and_its_lack_is_the_providers_own_pause(
    name: str, sandbox: RunningSandbox
) -> None:
    for headers, seconds in (([(b"retry-after", b"7")], 7.0), ([], PAUSES[name])):
        outcome = await answered(name, sandbox, 429, headers, b"")
        assert isinstance(outcome, Retry)
        assert outcome.after == seconds


# -- Anything at all --------------------------------------------------------------------------

texts = st.text(max_size=40) | st.sampled_from(["INVALID_ARGUMENT", "message.token", "\0"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(
    ["error", "details", "errorCode", "status", "message", "fieldViolations", "violations"]
    + ["field", "errors", "reason", "code", "sid", "name", "access_token", "expires_in"]
)
bodies = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        json_values,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=4),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)
values = st.binary(max_size=30).map(lambda raw: raw.translate(None, b"\r\n\0").strip())
headers = st.lists(
    st.tuples(
        st.sampled_from([b"retry-after", b"x-message-id", b"x-ratelimit-reset", b"apns-id"]),
        values.filter(lambda raw: all(byte >= 32 and byte != 127 for byte in raw)),
    ),
    max_size=3,
)
statuses = st.sampled_from([200, 202, 204, 301, 400, 401, 403, 404, 410, 413, 422, 429, 500, 503])
fuzzed = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", PAUSES)
def test_no_answer_whatever_is_a_mistake_of_ours(name: str, sandbox: RunningSandbox) -> None:
    @fuzzed
    @given(statuses, headers, bodies)
    def fuzz(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        outcome = asyncio.run(answered(name, sandbox, status, headers, body))
        assert getattr(outcome, "reason", None) is not Reason.INTERNAL, outcome
        after = getattr(outcome, "after", None)
        assert after is None or 0 <= after < 1e12
        if isinstance(outcome, Accepted):
            assert status < 300

    fuzz()


def test_no_reply_of_a_mail_server_is_a_mistake_of_ours(sandbox: RunningSandbox) -> None:
    replies = st.binary(min_size=1, max_size=30).map(lambda raw: raw.translate(None, b"\r\n"))
    codes = st.sampled_from([b"", b"250 ", b"354 ", b"421 ", b"450 4.7.1 ", b"550 5.1.1 ", b"5"])
    odd = st.tuples(codes, replies).map(b"".join).map(lambda raw: raw.decode("latin-1"))

    @fuzzed
    @given(st.sampled_from(["EHLO", "MAIL", "RCPT", "DATA", "."]), odd)
    def fuzz(command: str, reply: str) -> None:
        async def run() -> Outcome:
            async with listening(mail_server({**TAKING, command: reply}, [])) as port:
                smtp = SMTP(
                    "smtp",
                    host="127.0.0.1",
                    port=port,
                    tls="none",
                    from_email="us@our.example",
                    timeout=2.0,
                )
                (outcome,) = await send(smtp, message("smtp", port))
                await smtp.close()
                return outcome

        outcome = asyncio.run(run())
        assert getattr(outcome, "reason", None) is not Reason.INTERNAL, outcome

    fuzz()


async def test_an_access_token_that_no_header_can_carry_costs_no_message(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    body = b'{"access_token": "a\\nb", "expires_in": -1}'
    account = json.loads(Path(sandbox.config["fcm"]["service_account_file"]).read_text())
    async with listening(http1(200, [], body)) as port:
        account["token_uri"] = f"http://127.0.0.1:{port}/token"
        file = tmp_path / "account.json"
        file.write_text(json.dumps(account))
        async with closing(FCM("fcm", project_id="p", service_account_file=str(file))) as provider:
            (outcome,) = await send(provider, message("fcm", port))
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.CONNECTION
