"""The sandbox's page and its feed of events."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from stack.supervision.process import PATIENCE
from tests.support.sandbox_fixture import RunningSandbox


@dataclass
class Event:
    name: str
    id: str
    data: Any


class Listener:
    """One connection to the feed, read event by event."""

    def __init__(self, answer: HTTPResponse) -> None:
        self._answer = answer
        self.head: dict[str, str] = {k.lower(): v for k, v in answer.getheaders()}

    def next(self, name: str) -> Event:
        """The next event of this name."""
        while True:
            fields: dict[str, str] = {}
            while line := self._answer.readline().decode().rstrip("\n"):
                key, _, value = line.partition(": ")
                fields[key] = value
            if fields.get("event") == name:
                return Event(name, fields.get("id", ""), json.loads(fields["data"]))

    def addresses(self) -> list[str]:
        return [m["address"].rpartition("/")[2] for m in self.next("messages").data["messages"]]


@contextmanager
def listening(sandbox: RunningSandbox, last: str = "", **query: str) -> Iterator[Listener]:
    connection = HTTPConnection(urlsplit(sandbox.config["control_url"]).netloc, timeout=PATIENCE)
    headers = {"last-event-id": last} if last else {}
    connection.request("GET", f"/page/live?{urlencode(query)}", headers=headers)
    with connection.getresponse() as answer:
        yield Listener(answer)
    connection.close()


def hook(sandbox: RunningSandbox, name: str, body: str = "{}", **headers: str) -> int:
    request = sandbox.http().post(f"{sandbox.config['webhook']['base_url']}/{name}")
    request = request.headers({key.replace("_", "-"): value for key, value in headers.items()})
    return request.body_text(body).build().send().status


def test_what_arrives_is_shown_at_once_and_oldest_first(sandbox: RunningSandbox) -> None:
    hook(sandbox, "a")
    with listening(sandbox) as listener:
        assert listener.head["content-type"].startswith("text/event-stream")
        assert listener.addresses() == ["a"]
        hook(sandbox, "b")
        assert listener.addresses() == ["b"]


def test_who_comes_back_gets_what_was_missed_and_nothing_twice(sandbox: RunningSandbox) -> None:
    hook(sandbox, "a")
    with listening(sandbox) as listener:
        last = listener.next("messages").id
    hook(sandbox, "b")
    hook(sandbox, "c")
    with listening(sandbox, last) as listener:
        assert listener.addresses() == ["b", "c"]
    with listening(sandbox, last=last) as listener:
        assert listener.addresses() == ["b", "c"]


@pytest.mark.parametrize("last", ["nonsense", "0-0", "-", "1" * 40, "another-1"])
def test_a_position_of_another_life_starts_from_the_beginning(
    sandbox: RunningSandbox, last: str
) -> None:
    hook(sandbox, "a")
    with listening(sandbox, last) as listener:
        assert listener.addresses() == ["a"]


def test_only_a_channel_or_a_part_of_an_address_is_shown(sandbox: RunningSandbox) -> None:
    for name in ("orders-1", "invoices-1", "orders-2"):
        hook(sandbox, name)
    with listening(sandbox, address="ORDERS") as listener:
        assert listener.addresses() == ["orders-1", "orders-2"]
    with listening(sandbox, channel="webhook") as listener:
        assert len(listener.addresses()) == 3
    with listening(sandbox, channel="sms") as listener:
        hook(sandbox, "orders-3")
        while (counted := listener.next("state").data["counts"]["webhook"]["messages"]) == 3:
            pass
        assert counted == 4, "the counts are of all channels"


def test_rules_are_shown_as_they_are_set_and_turned_off(sandbox: RunningSandbox) -> None:
    with listening(sandbox) as listener:
        assert listener.next("state").data["rules"] == []
        sandbox.client.behave("sendgrid", "503", retry_after=7)
        sandbox.client.behave("sendgrid", "dead", address="a@b.example", times=2)
        rules = listener.next("state").data["rules"]
        while len(rules) < 2:
            rules = listener.next("state").data["rules"]
        sandbox.client.heal("sendgrid")
        (rule,) = listener.next("state").data["rules"]
        assert (rule["address"], rule["times"]) == ("a@b.example", 2)
        sandbox.client.heal("sendgrid", "a@b.example")
        assert listener.next("state").data["rules"] == []


def test_a_page_learns_that_everything_was_forgotten(sandbox: RunningSandbox) -> None:
    hook(sandbox, "a")
    with listening(sandbox) as listener:
        life = listener.next("state").data["life"]
        assert listener.addresses() == ["a"]
        sandbox.client.reset()
        assert listener.next("state").data["life"] != life
        hook(sandbox, "b")
        assert listener.addresses() == ["b"]


def test_of_very_many_the_newest_are_shown_and_the_others_counted(sandbox: RunningSandbox) -> None:
    hook(sandbox, "a")
    with listening(sandbox) as listener:
        last = listener.next("messages").id
    http, url = sandbox.http(), f"{sandbox.config['webhook']['base_url']}/b"
    for _ in range(300):
        http.post(url).body_text("{}").build().send()
    with listening(sandbox, last) as listener:
        told = listener.next("messages").data
        assert told["skipped"] > 0
        assert told["skipped"] + len(told["messages"]) == 300
        newest = sandbox.client.messages(limit=1)[0]["seq"]
        assert told["messages"][-1]["seq"] == newest


def test_a_burst_on_an_empty_page_is_counted_whole(sandbox: RunningSandbox) -> None:
    http, url = sandbox.http(), f"{sandbox.config['webhook']['base_url']}/b"
    told = 0
    with listening(sandbox) as listener:
        listener.next("state")
        for _ in range(300):
            http.post(url).body_text("{}").build().send()
        while told < 300:
            news = listener.next("messages").data
            told += news["skipped"] + len(news["messages"])
    assert told == 300


def test_what_is_no_message_is_shown_as_it_came(sandbox: RunningSandbox) -> None:
    hook(sandbox, "a", "no JSON")
    hook(sandbox, "b", "x" * 200_000)
    with listening(sandbox) as listener:
        first, second = listener.next("messages").data["messages"]
    assert first["looks"] == {"kind": "text", "text": "no JSON", "cut": False}
    assert second["size"] == 200_000
    assert second["looks"]["cut"] and set(second["looks"]["text"]) == {"x"}


def test_a_webhook_is_shown_with_its_signature_and_a_refused_one_with_its_status(
    sandbox: RunningSandbox,
) -> None:
    sandbox.client.behave("webhook", "503", times=1)
    body = '{"type": "order"}'
    assert hook(sandbox, "a", body, webhook_id="d-1", webhook_signature="v1,abc") == 503
    with listening(sandbox) as listener:
        (told,) = listener.next("messages").data["messages"]
    assert (told["status"], told["accepted"], told["note"]) == (503, False, "503")
    assert told["looks"]["headers"]["webhook-signature"] == "v1,abc"
    assert told["looks"]["content"] == {"type": "order"}


def test_the_feed_is_served_over_http_2_as_well(sandbox: RunningSandbox) -> None:
    hook(sandbox, "a")
    url = f"{sandbox.config['https_url']}/page/live"
    request = sandbox.http().get(url).streamed_read_buffer_limit(0)
    with request.build_streamed() as answer:
        assert answer.version == "HTTP/2.0"
        read = b""
        while b"/webhook/a" not in read:
            chunk = answer.body_reader.read_chunk()
            assert chunk is not None, read
            read += bytes(chunk)


def test_the_sandbox_goes_on_when_a_listener_reads_nothing(sandbox: RunningSandbox) -> None:
    place = urlsplit(sandbox.config["control_url"])
    with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as silent:
        silent.sendall(b"GET /page/live HTTP/1.1\r\nhost: x\r\n\r\n")
        for _ in range(40):
            hook(sandbox, "large", json.dumps({"text": "x" * 100_000}))
        with listening(sandbox) as listener:
            assert listener.addresses()[-1] == "large"


def test_the_page_and_what_it_loads_allow_no_strange_script(sandbox: RunningSandbox) -> None:
    for path in ("/", "/page/page.css", "/page/page.js"):
        with urllib.request.urlopen(
            sandbox.config["control_url"] + path, timeout=PATIENCE
        ) as answer:
            policy = answer.headers["content-security-policy"]
            text = answer.read().decode()
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "https://" not in text.replace("https://127.0.0.1:", "")


def test_the_page_says_where_the_providers_are_and_which_settings_lead_there(
    sandbox: RunningSandbox,
) -> None:
    with urllib.request.urlopen(sandbox.config["control_url"], timeout=PATIENCE) as answer:
        text = answer.read().decode()
    assert f"{sandbox.directory}/settings.env" in text
    smtp = sandbox.config["smtp"]
    for place in (
        sandbox.config["fcm"]["base_url"],
        sandbox.config["apns"]["base_url"],
        sandbox.config["webhook"]["base_url"],
        f"{smtp['host']}:{smtp['port']}",
    ):
        assert place in text
