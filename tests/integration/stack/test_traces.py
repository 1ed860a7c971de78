"""Traces of the real processes: each records from its start, and hands over at its end."""

import http.client
import os
from urllib.parse import urlsplit

from notifier.security.tokens import sign
from stack import manage, servers, whole_service
from stack.state_directory import kept
from tests.support.fakes.jwks_server import lasting
from tests.support.fakes.otlp_collector import Collector
from tests.support.publishers.stage_requests import ask
from tests.support.waiting import until

SOME = ("web", "stream", "fanout_high", "housekeeping")
HOUR = "3600000"


def test_processes_that_end_have_handed_over_one_trace(tmp_path):
    """With an hour between exports nothing comes before the processes are asked to stop."""
    collector, trace = Collector(), os.urandom(16).hex()
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_TRACES_SAMPLER_ARG": "0",
        "OTEL_BSP_SCHEDULE_DELAY": HOUR,
    }
    with kept(tmp_path) as state, servers.running(state) as found:
        with whole_service.running(state, found, *SOME, settings=settings) as on:
            directory = manage.create_publisher(on.env, "crm", "--directory", "--or-another-key")
            key = manage.create_publisher(on.env, "shop", "--or-another-key")
            person = f"{on.api_url}/v1/recipients/ada"
            assert ask(person, "PUT", {"contacts": []}, key=directory).status < 300
            page = opened(on)
            body = {
                "user_id": "ada",
                "priority": "high",
                "channels": ["inbox"],
                "content": {"title": "Hello"},
            }
            named = {"traceparent": f"00-{trace}-{'1a' * 8}-01"}
            posted = ask(f"{on.api_url}/v1/notifications", "POST", body, key=key, headers=named)
            assert posted.status == 202, posted.body
            until(lambda: page.readline() == b"event: item\n")
            where = f"{on.api_url}/v1/notifications/{posted.body['id']}"
            until(lambda: ask(where, key=key).body["counts"] == {"inbox": {"delivered": 1}})
            assert not collector.spans
    services = {one.name: one.service for one in collector.of(trace)}
    collector.close()
    assert services == {
        "POST /v1/notifications": "notifier-web",
        "accept": "notifier-web",
        "process deliver.inbox.high": "notifier-fanout_high",
        "claim": "notifier-fanout_high",
        "render": "notifier-fanout_high",
        "send inbox": "notifier-fanout_high",
        "record": "notifier-fanout_high",
        "stream": "notifier-stream",
    }
    assert {one.trace for one in collector.spans} == {trace}


def opened(on: whole_service.Stage) -> http.client.HTTPResponse:
    """Open the person's stream, and wait until it is ready."""
    at = urlsplit(on.stream_url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port)
    token = sign(lasting({"sub": "ada"}), on.env["NOTIFIER_INBOX_JWT_SECRET"])
    connection.request("GET", "/v1/inbox/stream", headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    assert response.status == 200
    until(lambda: response.readline() == b"event: ready\n")
    return response
