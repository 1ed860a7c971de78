"""Secrets and URLs of webhooks that are accepted can be used: one rule for both."""

from base64 import b64encode
from typing import Any

import pytest

from notifier.security.signing import signature
from notifier.transport.destinations import AllowedDestinations
from tests.support.publishers.api_client import Api

URL = "https://example.com/hook"


def secret(size: int) -> str:
    return "whsec_" + b64encode(bytes(range(size))).decode()


GOOD = [secret(24), secret(25), secret(32), secret(64)]
BAD = [
    *(secret(23), secret(65), secret(66), secret(32).rstrip("="), secret(25).rstrip("=")),
    *(secret(32) + "=", secret(32)[6:], secret(32) + " ", secret(32).replace("A", "-", 1)),
    *("whsec_", "whsec_ä" + secret(32)[7:], secret(32) + "\n", "WHSEC_" + secret(32)[6:]),
]


@pytest.fixture
def endpoints(api: Api) -> list[tuple[str, str, Any, str, int]]:
    """Every endpoint that takes a webhook: method, path, body, pointer, status."""
    api.post("topics", {"name": "news"}, status=201)
    api.put("recipients/ada", {}, status=201)
    endpoint = {"channel": "webhook", "address": URL}
    policy = {"schedule": [1], "after_last": endpoint}
    return [
        ("put", "recipients/bob", {"contacts": [endpoint]}, "/contacts/0", 201),
        ("post", "recipients/ada/contacts", endpoint, "", 201),
        ("post", "topics/news/subscriptions", endpoint, "", 200),
        ("patch", "topics/news", {"retry_policy": policy}, "/retry_policy/after_last", 200),
        ("post", "status-webhooks", {"url": URL, "events": ["failed"]}, "", 201),
    ]


def with_value(body: Any, name: str, value: str) -> Any:
    """The body, with the value where its webhook is."""
    if isinstance(body, dict) and ("address" in body or "url" in body):
        own = "url" if "url" in body else "address"
        return {**body, own if name == "address" else name: value}
    if isinstance(body, dict):
        return {key: with_value(one, name, value) for key, one in body.items()}
    return [with_value(one, name, value) for one in body] if isinstance(body, list) else body


@pytest.mark.parametrize("given", GOOD)
def test_a_secret_that_is_taken_signs(api: Api, endpoints: Any, given: str):
    for method, path, body, _, status in endpoints:
        api.call(method, path, with_value(body, "secret", given), status)
    assert signature(given, "dlv_1", 1, b"{}").startswith("v1,")


@pytest.mark.parametrize("given", BAD)
def test_a_secret_that_could_not_sign_is_refused_by_every_endpoint(
    api: Api, endpoints: Any, given: str
):
    for method, path, body, pointer, _ in endpoints:
        problem = api.call(method, path, with_value(body, "secret", given), 400)
        assert [one["pointer"] for one in problem["errors"]] == [f"{pointer}/secret"]
        assert len(given) < 10 or given not in str(problem)


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.com:9999/x", "https://10.0.0.1/", "https://[::1]/", "https://127.1/"),
        *("https://2130706433/", "https://169.254.169.254/latest", "https://example.com:25/"),
        *("https://256.256.256.256/", "https://1.2.3.4.5/", "https://xn--a/", "https://09.1.1.1/"),
        *("https://" + "a" * 64 + ".example/", "https://" + ".".join(["a" * 60] * 5) + "/"),
    ],
)
def test_a_url_that_is_never_called_is_refused_by_every_endpoint(
    api: Api, endpoints: Any, url: str
):
    for method, path, body, pointer, _ in endpoints:
        problem = api.call(method, path, with_value(body, "address", url), 400)
        named = "url" if "url" in body else "address"
        assert [one["pointer"] for one in problem["errors"]] == [f"{pointer}/{named}"]


def test_networks_that_the_operator_opened_are_taken_on_any_port(
    api: Api, endpoints: Any, settings: Any
):
    options = {"allowed_networks": ["10.0.0.0/8"]}
    settings.PROVIDERS = {
        "webhook": {
            "class": "notifier.providers.webhook.Webhook",
            "channel": "webhook",
            "options": options,
        }
    }
    for method, path, body, _, status in endpoints[:2]:
        for url in ("https://10.1.2.3:9999/", "https://intranet.example:9999/"):
            status = api.call(method, path, with_value(body, "address", url), status) and status
            status = 200 if method == "put" else status
    api.post(
        "recipients/ada/contacts", with_value(endpoints[1][2], "address", "https://[::1]/"), 400
    )
    AllowedDestinations(["10.0.0.0/8"]).check("https://10.1.2.3:9999/")


def test_an_endpoint_that_is_no_longer_called_can_still_leave(api: Api, endpoints: Any):
    who = {"channel": "webhook", "address": "https://example.com:9999/x"}
    assert api.post("topics/news/unsubscribe", who) == {"unsubscribed": 0}


@pytest.mark.parametrize("address", ["ada@192.0.2.1", "ada@example.1", "ada@[192.0.2.1]"])
def test_an_address_that_no_mail_server_takes_is_refused(api: Api, endpoints: Any, address: str):
    contact = {"channel": "email", "address": address}
    problem = api.post("recipients/ada/contacts", contact, status=400)
    assert problem["errors"][0]["pointer"] == "/address"
