"""Requests that only a real server sees: chunked bodies, odd headers, malformed HTTP."""

import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil
import pytest
from django.db import connection

from apps.preferences.models import Recipient
from apps.publishers import services
from apps.publishers.scopes import Scope
from stack.supervision import ports
from stack.supervision.process import PATIENCE, Process
from tests.support.publishers.lookups import forget_lookups

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = {"content": {"body": "x"}}
JSON = "Content-Type: application/json"
PROBLEM = "application/problem+json"


class Answer(NamedTuple):
    """An answer: its status, its content type, and its body, parsed where it is JSON."""

    status: int
    content_type: str
    body: Any


class Server(NamedTuple):
    """A Gunicorn and where it listens."""

    port: int
    process: Process


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: Any) -> Iterator[Server]:
    """The API: Gunicorn, as the Procfile starts it, on the tests' database."""
    listening = ports.free()
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    command = [
        *(sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "config/gunicorn.py"),
        *("--workers", "1", "--threads", "4", "--no-control-socket"),
        *("--bind", f"{ports.HOST}:{listening}"),
    ]
    output = tmp_path_factory.mktemp("gunicorn") / "log"
    twilio = {
        "ACCOUNT_SID": "AC" + "0" * 32,
        "AUTH_TOKEN": "t" * 32,
        "FROM_NUMBER": "+12025550123",
        "STATUS_CALLBACK": "https://notifier.example.com/v1/receipts/twilio",
    }
    env = {f"NOTIFIER_TWILIO_{name}": value for name, value in twilio.items()}
    env |= {**os.environ, "DATABASE_URL": url.geturl()}
    with Process("gunicorn", command, env=env, output=output) as server:
        server.wait_until(lambda: _answers(listening), 60)
        yield Server(listening, server)


@pytest.fixture(scope="module")
def port(server: Server) -> int:
    """The port of the API."""
    return server.port


def _answers(listening: int) -> bool:
    try:
        return exchange(listening, "GET /healthz HTTP/1.1").status == 200
    except OSError:
        return False


@pytest.fixture
def key() -> Iterator[str]:
    """A publisher's API key."""
    forget_lookups()
    _, text = services.create_key(services.create_publisher("shop").pk, tuple(Scope))
    yield text
    forget_lookups()


def exchange(listening: int, head: str, body: bytes = b"", *, end: bool = True) -> Answer:
    """Send a request as it is written and read the answer; ``end`` closes our side."""
    with socket.create_connection((ports.HOST, listening), timeout=PATIENCE) as client:
        lines = f"{head}\r\nHost: {ports.HOST}\r\nConnection: close\r\n\r\n"
        client.sendall(lines.encode("latin-1") + body)
        if end:
            client.shutdown(socket.SHUT_WR)
        said = b""
        while part := client.recv(65536):
            said += part
    header, _, rest = said.partition(b"\r\n\r\n")
    status, _, headers = header.decode("latin-1").partition("\r\n")
    kind = re.search(r"^content-type: *([^;\r]*)", headers, re.IGNORECASE | re.MULTILINE)
    content_type = kind[1] if kind else ""
    chunked = "transfer-encoding: chunked" in headers.lower()
    text = re.sub(rb"^[0-9a-f]+\r\n|\r\n[0-9a-f]+\r\n(\r\n)?", b"", rest) if chunked else rest
    return Answer(
        int(status.split()[1]), content_type, json.loads(text) if text[:1] == b"{" else text
    )


def post(key: str, path: str, *headers: str) -> str:
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Authorization: Bearer {key}", JSON, *headers])


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def test_a_chunked_body_is_read_as_any_other(port: int, key: str) -> None:
    head = post(key, "/v1/topics", "Transfer-Encoding: chunked")
    made = exchange(port, head, chunks(b'{"name": ', b'"orders"', b"}"))
    assert (made.status, made.body["name"]) == (201, "orders")


def test_a_chunked_body_may_have_extensions_and_trailers(port: int, key: str) -> None:
    head = post(key, "/v1/topics", "Transfer-Encoding: chunked")
    body = b'11;part="one"\r\n{"name":"orders"}\r\n0\r\nExpires: never\r\n\r\n'
    assert exchange(port, head, body).status == 201


def test_an_endpoint_with_a_larger_limit_reads_larger_chunked_bodies(port: int, key: str) -> None:
    item = {"user_id": "nobody", "content": {"body": "x" * 60_000}}
    body = json.dumps({"notifications": [item] * 40}).encode()
    head = post(key, "/v1/notifications/batch", "Transfer-Encoding: chunked")
    answer = exchange(port, head, chunks(body[:1_000_000], body[1_000_000:]))
    assert answer.status == 202
    assert len(answer.body["results"]) == 40


def test_a_connection_serves_on_after_a_chunked_body(port: int, key: str) -> None:
    client = HTTPConnection(ports.HOST, port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for name in ("first", "second"):
        parts = iter([b'{"name": "', name.encode(), b'"}'])
        client.request("POST", "/v1/topics", parts, headers, encode_chunked=True)
        answer = client.getresponse()
        assert (answer.status, json.loads(answer.read())["name"]) == (201, name)
    client.close()


def test_a_chunked_body_beyond_the_limit_is_refused_before_it_ends(port: int, key: str) -> None:
    head = post(key, "/v1/topics", "Transfer-Encoding: chunked")
    endless = b"10000\r\n" + b" " * 65536 + b"\r\n"
    answer = exchange(port, head, endless * 17, end=False)  # and no last chunk
    assert (answer.status, answer.content_type) == (413, PROBLEM)
    assert answer.body["limit"] == 1024 * 1024


def test_a_chunked_body_is_refused_where_none_is_taken(port: int, key: str) -> None:
    path = "/v1/notifications/0198c0de-1111-7000-8000-000000000001/cancel"
    head = post(key, path, "Transfer-Encoding: chunked")
    assert exchange(port, head, chunks(b'{"x":', b"1}")).status == 400
    for nothing in (chunks(), chunks(b"{", b"}")):
        assert exchange(port, head, nothing).status == 404  # taken, and there is none


def test_an_id_whose_question_mark_is_not_encoded_is_refused(port: int, key: str) -> None:
    head = f"GET /v1/recipients/a%sb HTTP/1.1\r\nAuthorization: Bearer {key}"
    assert exchange(port, head % "?").body["errors"][0]["parameter"] == "b"
    assert "'a?b'" in exchange(port, head % "%3F").body["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b'zz\r\n{"name": "a"}\r\n0\r\n\r\n',
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}XX\r\n0\r\n\r\n",
        b'20\r\n{"name": "a"}',
        b'd\r\n{"name": "a"}\r\n',
        b"",
    ],
)
def test_chunks_that_are_not_well_formed_or_cut_short_are_refused(
    port: int, key: str, body: bytes
) -> None:
    answer = exchange(port, post(key, "/v1/topics", "Transfer-Encoding: chunked"), body)
    assert (answer.status, answer.content_type) == (400, PROBLEM)
    assert answer.body["type"] == "/problems/invalid-request"


def test_a_receipt_may_be_chunked(port: int) -> None:
    head = f"POST /v1/receipts/twilio HTTP/1.1\r\n{JSON}\r\nTransfer-Encoding: chunked"
    answer = exchange(port, head, chunks(b" " * 1_500_000, b" " * 1_500_000))
    assert (answer.status, answer.body["type"]) == (413, "/problems/payload-too-large")
    assert exchange(port, head, chunks(b"{}")).status == 403  # read, and not signed


@pytest.mark.parametrize(
    "content_type",
    [
        *(f"application/json; charset={name}" for name in ("hex", "utf-16", "latin1", "\xff", '"')),
        "application/json; charset*=klingon'en'x",
        "multipart/form-data; boundary*=klingon'en'x",
        ";;;",
        "\xff/\xff",
        "text/json",
        "application/json" + "; a=b" * 500,
    ],
)
def test_an_odd_content_type_is_refused_with_a_body_and_harmless_without(
    port: int, key: str, content_type: str
) -> None:
    head = post(key, "/v1/topics").replace(JSON, f"Content-Type: {content_type}")
    answer = exchange(port, f"{head}\r\nContent-Length: 15", b'{"name": "n\xc3\xa9"}'[:15])
    assert answer.status in (400, 415), answer
    assert answer.content_type == PROBLEM
    read = head.replace("POST /v1/topics", "GET /v1/topics?limit=1")
    assert exchange(port, read).status == 200
    assert (
        exchange(port, f"POST /admin/login/ HTTP/1.1\r\nContent-Type: {content_type}").status < 500
    )


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", '"utf-8"', "us-ascii"])
def test_a_charset_that_is_utf_8_is_taken(port: int, key: str, charset: str) -> None:
    head = post(key, "/v1/topics").replace(JSON, f"{JSON}; charset={charset}")
    assert exchange(port, f"{head}\r\nContent-Length: 16", b'{"name":"a-b-c"}').status == 201


@pytest.mark.parametrize(
    "header",
    [
        f"{name}: {value}"
        for name in (
            *("Accept", "Accept-Language", "Authorization", "Content-Encoding", "Cookie"),
            *("Idempotency-Key", "X-Idempotency-Key", "If-None-Match", "If-Modified-Since"),
            *("Origin", "Range", "Referer", "traceparent", "X-Forwarded-For", "X-Forwarded-Proto"),
            *("X-Forwarded-Host", "X-HTTP-Method-Override", "X-Twilio-Signature"),
            *("X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"),
        )
        for value in ("\xff", "a" + "\xa0" * 300, "a/b;c*=klingon'en'x", "," * 3000)
    ],
)
def test_no_header_is_too_odd_to_be_answered(port: int, key: str, header: str) -> None:
    bearer = "" if header.startswith("Auth") else f"\r\nAuthorization: Bearer {key}"
    body = b'{"user_id": "nobody", "content": {"title": "x"}}'
    for line in (
        f"POST /v1/notifications HTTP/1.1\r\n{JSON}\r\nContent-Length: {len(body)}",
        f"POST /v1/receipts/twilio HTTP/1.1\r\n{JSON}\r\nContent-Length: {len(body)}",
        f"POST /v1/receipts/sendgrid HTTP/1.1\r\n{JSON}\r\nContent-Length: {len(body)}",
        "GET /v1/inbox HTTP/1.1",
        "GET /v1/openapi.json HTTP/1.1",
        "GET /problems/not-found HTTP/1.1",
        "GET /v1/confirmations/x HTTP/1.1",
    ):
        sent = body if line.startswith("POST") else b""
        answer = exchange(port, f"{line}{bearer}\r\n{header}", sent)
        assert answer.status < 500, (line, answer)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /v1/topics?" + "a" * 5000 + " HTTP/1.1", 414),
        ("GET /v1/topics HTTP/1.1\r\nX-Long: " + "a" * 9000, 431),
        ("GET /v1/topics HTTP/1.1\r\nExpect: a miracle", 417),
        ("GET /v1/topics HTTP/1.1\r\nTransfer-Encoding: rot13", 501),
        ("POST /v1/topics HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked", 400),
        ("GET /v1/topics HTTP/1.1\r\nHost: \xff", 400),
        ("GET /v1/topics", 400),
        ("nonsense", 400),
    ],
)
def test_what_gunicorn_refuses_is_a_problem_too(port: int, head: str, status: int) -> None:
    answer = exchange(port, head)
    assert (answer.status, answer.content_type) == (status, PROBLEM)
    assert answer.body["status"] == status
    assert exchange(port, f"GET {answer.body['type']} HTTP/1.1").status == 200


def grown(process: psutil.Process, act: Callable[[], Any]) -> tuple[Any, int]:
    """Return what ``act`` returns, and the most bytes by which the process grew meanwhile."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the high-water mark is now's
    before = process.memory_info().rss
    found = act()
    status = Path(f"/proc/{process.pid}/status").read_text()
    highest = re.search(r"VmHWM:\s*(\d+) kB", status)
    assert highest
    return found, int(highest[1]) * 1024 - before


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux's")
def test_a_batch_of_nothing_but_unknown_names_has_a_short_answer_and_costs_little_memory(
    server: Server, key: str
) -> None:
    batch = {
        "notifications": [
            {"user_ids": [f"nobody-{item}-{number}" for number in range(300)], **CONTENT}
            for item in range(1_000)
        ]
    }
    body = json.dumps(batch).encode()
    head = post(key, "/v1/notifications/batch", "Idempotency-Key: none-of-them")
    head += f"\r\nContent-Length: {len(body)}"
    [worker] = psutil.Process(server.process.pid).children()
    answer, larger = grown(worker, lambda: exchange(server.port, head, body))
    assert answer.status == 202
    problems = [result["problem"] for result in answer.body["results"]]
    assert sum(len(problem.get("errors", ())) for problem in problems) == 100
    assert [problem["error_count"] for problem in problems] == [300] * 1_000
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(length(answer::text)) FROM delivery_idempotencykey")
        assert cursor.fetchone()[0] < 500_000
    assert larger < 50 * 2**20


def test_requests_at_once_are_stored_together_and_once_though_their_process_is_killed(
    server: Server, key: str
) -> None:
    Recipient.objects.create(user_id="ada")
    asked = {
        f"k{number}": {"user_id": "ada", "priority": "high", "channels": ["inbox"]}
        for number in range(160)
    }
    answered: dict[str, str] = {}
    killed = threading.Event()

    def until_answered(name: str) -> None:
        body = json.dumps({**asked[name], "content": {"body": name}}).encode()
        head = post(key, "/v1/notifications", f"Idempotency-Key: {name}")
        head += f"\r\nContent-Length: {len(body)}"
        while name not in answered:
            try:
                answer = exchange(server.port, head, body, end=False)
            except (OSError, IndexError):  # cut off: nobody knows
                time.sleep(0.05)
                continue
            if answer.status == 202 and isinstance(answer.body, dict):  # and not cut off
                answered[name] = answer.body["id"]
            if len(answered) > 60 and not killed.is_set():
                killed.set()
                [worker] = psutil.Process(server.process.pid).children()
                worker.kill()

    with ThreadPoolExecutor(8) as publishers:
        list(publishers.map(until_answered, asked))
    assert killed.is_set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text, xmin::text FROM delivery_notification")
        stored = dict(cursor.fetchall())
        cursor.execute("SELECT key, answer ->> 'id' FROM delivery_idempotencykey")
        assert dict(cursor.fetchall()) == answered
    assert sorted(stored) == sorted(answered.values()), "each once"
    assert len(set(stored.values())) < len(stored), "some in one transaction"
