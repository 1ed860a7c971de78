"""The logs of every process, in both formats: of one form, and without anything of a person."""

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg2
import pytest

from stack import manage, servers, whole_service
from stack.state_directory import kept
from stack.supervision import ports
from stack.supervision.processes import Procfile
from stack.whole_service import Stage
from tests.support.publishers.stage_requests import ask
from tests.support.waiting import until

#: In each text that is of a person, or written by one, and in no other.
MARK = "zq7vx"
USER = f"ada-{MARK}"
EMAIL = f"{MARK}.ada@example.com"
FAILING_EMAIL = f"500.{MARK}@sandbox.example"
PHONE = "+12025550193"
DEAD_PHONE = "+15005552500"
TOKEN = f"device-token-{MARK}-of-ada"
CONTENT = {"title": f"Title {MARK}", "body": f"Body {MARK}: your code is 814 762."}
PLANTED = (MARK, PHONE.strip("+"), DEAD_PHONE.strip("+"), "814 762")
#: Enough of the processes for each kind of line.
SOME = ("web", "stream", "push_high", "push", "fanout_high", "email", "beat", "housekeeping")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Logged(NamedTuple):
    """What the processes of a service have logged, by their names."""

    by_process: dict[str, str]

    def lines(self, process: str) -> list[str]:
        return self.by_process[process].splitlines()

    def objects(self, process: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines(process)]


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Logged:
    """The logs for people, at the level that says most."""
    return logs_of("text", "DEBUG", tmp_path_factory.mktemp("text"), *SOME)


@pytest.fixture(scope="module")
def objects(tmp_path_factory) -> Logged:
    """The logs in JSON."""
    return logs_of("json", "INFO", tmp_path_factory.mktemp("json"))


@pytest.fixture(params=["text", "objects"])
def logged(request) -> Logged:
    return request.getfixturevalue(request.param)


def logs_of(form: str, level: str, directory: Path, *names: str) -> Logged:
    """Return the logs of a service that was used, misused and hindered.

    ``names``: its processes, by default all of the Procfile.
    """
    settings = {
        "NOTIFIER_LOG_FORMAT": form,
        "NOTIFIER_LOG_LEVEL": level,
        "BEAT_LOG_LEVEL": level,
        "NOTIFIER_ACCESS_LOG": "1",
        "FLOWER_PORT": str(ports.free()),
        "NOTIFIER_BREAKER_COOLDOWN": "0.5",
    }
    names = names or tuple(Procfile({}, directory).commands)
    with kept(directory) as state, servers.running(state) as found:
        with whole_service.running(state, found, *names, settings=settings, receipts=True) as on:
            play(on)
        logs = state.path("logs")
        return Logged({name: Path(logs, f"{name}.log").read_text() for name in names})


def play(on: Stage) -> None:
    """Have people registered and notified, with success and without, and with faults of ours."""
    directory = manage.create_publisher(on.env, "crm", "--directory", "--or-another-key")
    key = manage.create_publisher(on.env, "shop", "--or-another-key")

    def call(path, method="GET", body=None, *, key=key, **headers):
        return ask(f"{on.api_url}{path}", method, body, key=key, headers=headers).status

    person = {
        "name": f"Ada {MARK}",
        "attributes": {"city": MARK},
        "contacts": [
            {"channel": "email", "address": EMAIL},
            {"channel": "email", "address": FAILING_EMAIL},
            {"channel": "sms", "address": PHONE},
            {"channel": "sms", "address": DEAD_PHONE},
            {"channel": "webhook", "address": f"{on.sandbox['webhook']['base_url']}/{MARK}"},
        ],
        "devices": [{"platform": "android", "token": TOKEN}],
    }
    assert call(f"/v1/recipients/{USER}", "PUT", person, key=directory) < 300
    template = {
        "name": "greeting",
        "default_locale": "en",
        "contents": [{"channel": "inbox", "locale": "en", "title": "Hello {{ who }}"}],
    }
    assert call("/v1/templates", "POST", template) in (201, 409)
    for priority in ("high", "low"):
        notify(on, key, priority)
    filled = {"name": "greeting", "variables": {"who": MARK}}
    told = {"user_id": USER, "channels": ["inbox"], "template": filled}
    assert call("/v1/notifications", "POST", told) == 202
    mistakes(call, directory)
    with hindered(on, "preferences_contact"):
        failed = {"X-Request-ID": "asked-while-broken", "traceparent": f"00-{TRACE}-{'1a' * 8}-01"}
        assert call(f"/v1/recipients/{USER}", key=directory, **failed) == 500
        assert call(f"/v1/recipients/{USER}", "PUT", person, key=directory) == 500
        posted = {"user_id": USER, "content": CONTENT}
        assert call("/v1/notifications", "POST", posted) in (202, 500)
    with hindered(on, "delivery_attempt"):
        notify(on, key, "high", wait=False)
        until(lambda: "ProgrammingError" in on.processes["push_high"].log)
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    later = {"user_id": USER, "priority": "high", "send_at": soon, "content": CONTENT}
    posted = ask(f"{on.api_url}/v1/notifications", "POST", later, key=key).body["id"]
    with cursor(on) as database:
        database.execute("UPDATE delivery_notification SET content = 'x' WHERE id = %s", [posted])
    until(lambda: "cannot be read" in on.processes["push_high"].log)
    for path in ("/v1/inbox/stream", "/healthz", f"/{MARK}"):
        asked = {"X-Request-ID": "asked-stream", "Authorization": f"Bearer {MARK}"}
        ask(f"{on.stream_url}{path}", headers=asked)


def notify(on: Stage, key: str, priority: str, *, wait: bool = True) -> None:
    """Publish to the person on every channel, and wait until all is done."""
    body = {"user_id": USER, "priority": priority, "content": CONTENT}
    posted = ask(f"{on.api_url}/v1/notifications", "POST", body, key=key)
    assert posted.status == 202
    where = f"{on.api_url}/v1/notifications/{posted.body['id']}"
    # The address at which the provider always fails is tried again for a while.
    if wait:
        until(lambda: ask(where, key=key).body["counts"].get("push", {}).get("accepted"))


def mistakes(call, directory: str) -> None:
    """Make every kind of mistake with a person's data in it."""
    body = {"user_id": USER, "content": {**CONTENT, MARK: MARK}}
    assert call("/v1/notifications", "POST", body) == 400
    assert call("/v1/notifications", "POST", f'{{"user_id": "{MARK}'.encode()) == 400
    assert call(f"/v1/recipients/{USER}-nobody", key=directory) == 404
    assert call(f"/v1/recipients/{USER}", key=MARK) == 401
    assert call(f"/v1/{MARK}?{MARK}={quote(EMAIL)}", key="") == 404
    assert call(f"/v1/unsubscribe/{MARK}", "POST", b"", key="") >= 400
    assert call(f"/v1/preferences/{MARK}", "POST", b"x=1", key="") >= 400
    assert call("/admin/login/", "POST", f"username={MARK}".encode(), key="") == 403
    assert call(f"/admin/{MARK}/{quote(EMAIL)}", key="") < 500
    form = f"From={quote(PHONE)}&Body={MARK}".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert call("/v1/replies/twilio", "POST", form, key="", **kind) == 403
    assert call("/v1/receipts/twilio", "POST", form, key="", **kind) == 403
    with contextlib.suppress(ValueError):  # its head is not sent by this client
        call("/v1/topics", **{"X-Request-ID": f"{MARK}\n"})


@contextlib.contextmanager
def hindered(on: Stage, table: str) -> Iterator[None]:
    """Take a table away, so that statements fail, whose errors quote them."""
    with cursor(on) as database:
        database.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            yield
        finally:
            database.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


@contextlib.contextmanager
def cursor(on: Stage) -> Iterator[Any]:
    """A cursor in the service's database, whose statements are transactions."""
    with contextlib.closing(psycopg2.connect(on.env["DATABASE_URL"])) as connection:
        connection.autocommit = True
        yield connection.cursor()


def test_nothing_of_a_person_is_in_any_log(logged: Logged):
    found = {
        process: [line for line in logged.lines(process) if any(one in line for one in PLANTED)]
        for process in logged.by_process
    }
    assert {process: lines[:3] for process, lines in found.items() if lines} == {}


def test_what_failed_is_in_the_log_with_its_traceback(logged: Logged):
    """Else the test before would search logs in which nothing happened."""
    for process, place in (("web", "recipient_views.py"), ("push_high", "recorder.py")):
        assert "ProgrammingError" in logged.by_process[process], process
        assert place in logged.by_process[process]


def test_the_lines_of_a_request_name_it(logged: Logged):
    own = [line for line in logged.lines("web") if "asked-while-broken" in line]
    for said in (
        "Internal Server Error: /v1/recipients/{user_id}",
        "/v1/recipients/{user_id}: 500",
    ):
        assert any(said in line for line in own)
    assert any("asked-stream" in line for line in logged.lines("stream"))


def test_answers_are_logged_by_their_route(logged: Logged):
    assert "POST /v1/notifications: 202 in " in logged.by_process["web"]
    assert "GET /healthz: 200 in " in logged.by_process["stream"]
    assert "GET ?: 404 in " in logged.by_process["stream"]


def test_each_line_of_each_process_is_an_object_of_one_form(objects: Logged):
    for process in objects.by_process:
        found = objects.objects(process)
        assert found, process
        for one in found:
            assert {"time", "level", "logger", "message", "process", "pid"} <= one.keys()
            assert one["process"] == process
            assert one["level"] in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
            time_of = datetime.fromisoformat(str(one["time"]))
            assert time_of.utcoffset() == timedelta(0)


def test_a_line_says_what_it_is_about_in_fields(objects: Logged):
    web = objects.objects("web")
    [error, answer] = [one for one in web if one.get("request_id") == "asked-while-broken"]
    assert error["level"] == "ERROR" and str(error["exception"]).startswith("Traceback")
    assert error["trace_id"] == answer["trace_id"] == TRACE
    assert (answer["method"], answer["route"], answer["status"]) == (
        "GET",
        "/v1/recipients/{user_id}",
        500,
    )
    looked = [one for one in web if one.get("route") == "/v1/notifications/{notification_id}"]
    assert all(re.fullmatch("[0-9a-f-]{36}", str(one["notification_id"])) for one in looked)
    assert looked
    sent = objects.objects("push_high")
    [unread] = {str(one["delivery_id"]) for one in sent if "cannot be read" in str(one["message"])}
    assert unread.startswith("dlv_")
    assert any("recorder.py" in str(one.get("exception")) for one in sent)
