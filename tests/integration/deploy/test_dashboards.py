"""Each query of dashboards and alerts, asked of a Prometheus that scrapes the service."""

import http.cookiejar
import json
import math
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.dashboards import DASHBOARDS, HERE
from deploy.grafana.document import document, text
from sandbox.client import SandboxClient
from stack import manage, servers, whole_service
from stack.debian import PROMETHEUS
from stack.state_directory import kept
from stack.supervision import ports
from stack.supervision.process import PATIENCE, ROOT, Process
from stack.supervision.processes import Procfile
from stack.whole_service import Stage
from tests.support.programs import need
from tests.support.publishers.stage_requests import ask
from tests.support.waiting import until

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
#: A metric with its matchers, as an alert selects it.
SELECTOR = re.compile(r"(?<![\w:])((?:notifier[_:][\w:]+|up)(?:\{[^}]*\})?)")
QUERIES = [
    pytest.param(target["expr"], id=f"{dashboard.name}-{panel['title']}-{target['refId']}")
    for dashboard in DASHBOARDS
    for panel in document(dashboard)["panels"]
    for target in panel["targets"]
]
ALERTS = [
    rule
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
SELECTORS = sorted({found for rule in ALERTS for found in SELECTOR.findall(rule["expr"])})
CONFIG = """
global: {scrape_interval: 6s, scrape_timeout: 6s, evaluation_interval: 3s}
rule_files: [%s]
scrape_configs:
  - job_name: notifier
    static_configs: [{targets: ["%s"]}]
"""


class Prometheus:
    """A Prometheus that scrapes a running service, which is used meanwhile."""

    def __init__(self, url: str, on: Stage) -> None:
        self.url = url
        self.on = on

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer. An error of Prometheus fails the test."""
        asked = ask(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        assert asked.status == 200, asked.body
        return asked.body["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now, without those that are no number."""
        found = self.get("query", query=expression)["result"]
        return [one for one in found if not math.isnan(float(one["value"][1]))]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory) -> Iterator[Prometheus]:
    need(PROMETHEUS)
    directory = tmp_path_factory.mktemp("seen")
    port = ports.free()
    settings = {"NOTIFIER_PROVIDER_QUOTAS": "sendgrid=1"}
    with kept(directory / "state") as state, servers.running(state) as found:
        with whole_service.running(state, found, settings=settings, receipts=True) as on:
            config = directory / "prometheus.yml"
            config.write_text(CONFIG % (RULES, on.api_url.removeprefix("http://")))
            command = [
                *("prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/tsdb"),
                f"--web.listen-address={ports.HOST}:{port}",
            ]
            process = Process("prometheus", command, env=on.env, output=directory / "log")
            manage_py(on, "partition")
            with process:
                url = f"http://{ports.HOST}:{port}"
                process.wait_until(
                    lambda: ports.listens(port) and ask(f"{url}/-/ready").status == 200
                )
                stopping = threading.Event()
                user = threading.Thread(target=play, args=[on, stopping])
                user.start()
                yield Prometheus(url, on)
                stopping.set()
                user.join(PATIENCE)


def manage_py(on: Stage, *arguments: str) -> str:
    """Run a command of ``manage.py``; return what it prints."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=on.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play(on: Stage, stopping: threading.Event) -> None:
    """Cause what metrics count, again and again, so that rates have something to show."""
    directory = manage.create_publisher(on.env, "crm", "--directory", "--or-another-key")
    key = manage.create_publisher(on.env, "shop", "--or-another-key")
    token = manage_py(on, "inbox_token", "seen").strip()
    sandbox = SandboxClient(on.sandbox["control_url"])
    page = urllib.request.Request(
        f"{on.stream_url}/v1/inbox/stream", headers={"Authorization": f"Bearer {token}"}
    )
    person = {
        "contacts": [
            {"channel": "email", "address": "seen@example.com"},
            {"channel": "sms", "address": "+12025550142"},
            {"channel": "webhook", "address": f"{on.sandbox['webhook']['base_url']}/seen"},
        ],
        "devices": [
            {"platform": "android", "token": "token-of-the-phone-of-seen"},
            {"platform": "ios", "token": "b" * 64},
        ],
    }
    gone = {"devices": [{"platform": "android", "token": "gone-sandbox-dead-000000"}]}
    ask(f"{on.api_url}/v1/recipients/seen", "PUT", person, key=directory)
    with closing(urllib.request.urlopen(page, timeout=PATIENCE)):
        for number in range(10_000):
            if stopping.wait(0.5):
                return
            for priority in ("high", "normal", "low"):
                body = {"user_id": "seen", "priority": priority, "content": {"title": "x"}}
                ask(f"{on.api_url}/v1/notifications", "POST", body, key=key)
            if number % 10 == 0:  # refused credentials, one dead letter each
                sandbox.behave("twilio", "401", address="+12025550142", times=1)
                refuse_receipt_and_log_in(on)
                ask(f"{on.api_url}/v1/recipients/gone-{number}", "PUT", gone, key=directory)
                body = {"user_id": f"gone-{number}", "priority": "high", "content": {"title": "x"}}
                ask(f"{on.api_url}/v1/notifications", "POST", body, key=key)


def refuse_receipt_and_log_in(on: Stage) -> None:
    """Report with a forged signature, and try wrong passwords until log-ins are paused."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    ask(f"{on.api_url}/v1/receipts/twilio", "POST", b"MessageSid=SM1", headers=form)
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    where = f"{on.api_url}/admin/login/"
    for _ in range(7):
        with browser.open(where, timeout=PATIENCE):
            pass
        [token] = [cookie.value for cookie in cookies if cookie.name == "csrftoken"]
        tried = {"username": "nobody", "password": "wrong", "csrfmiddlewaretoken": token}
        with suppress(urllib.error.HTTPError):
            browser.open(where, urllib.parse.urlencode(tried).encode(), timeout=PATIENCE).close()


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_the_files_are_those_of_the_description(dashboard):
    path = HERE / f"{dashboard.name}.json"
    assert path.read_text() == text(dashboard), "run `python -m deploy.grafana.dashboards`"
    assert json.loads(path.read_text())["uid"] == f"notifier-{dashboard.name}"


def test_there_are_no_other_files():
    names = {f"{dashboard.name}.json" for dashboard in DASHBOARDS}
    assert {path.name for path in Path(HERE).glob("*.json")} == names


@pytest.mark.parametrize("expression", QUERIES)
def test_a_panel_has_data(prometheus: Prometheus, expression: str):
    asked = expression.replace("$__rate_interval", "2m").replace("$provider", ".*")
    until(lambda: prometheus.query(asked))
    prometheus.get("query_range", query=asked, start="0", end="1", step="1")


@pytest.mark.parametrize("selector", SELECTORS)
def test_what_an_alert_looks_at_is_there(prometheus: Prometheus, selector: str):
    # Ratios over hours have data as soon as there is a minute of it.
    until(lambda: prometheus.query(selector))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alerts_expression_is_one(prometheus: Prometheus, rule: dict[str, Any]):
    prometheus.query(rule["expr"])


def test_no_rule_fails(prometheus: Prometheus):
    def evaluated() -> list[dict[str, Any]]:
        groups = prometheus.get("rules")["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        return found if all(rule["health"] != "unknown" for rule in found) else []

    assert {rule["name"]: rule.get("lastError") for rule in until(evaluated)} == {
        rule["name"]: None for rule in evaluated()
    }


def test_what_went_wrong_alerts_and_what_did_not_is_silent(prometheus: Prometheus):
    def firing() -> set[str]:
        alerts = prometheus.get("alerts")["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}

    caused = {"NotifierCredentialsRefused", "NotifierLogInsPaused"}
    until(lambda: caused <= firing())
    silent = {"NotifierDown", "NotifierProcessGone", "NotifierBrokerDown", "NotifierRedisDown"}
    assert not silent & firing()
    for alert in prometheus.get("alerts")["alerts"]:
        assert "error" not in json.dumps(alert["annotations"]), "a template that cannot be filled"


def test_each_process_that_works_by_itself_gives_signs_of_life(prometheus: Prometheus):
    def kinds() -> set[str]:
        found = prometheus.query("notifier_heartbeat_timestamp_seconds > time() - 60")
        return {one["metric"]["process"] for one in found}

    working = set(Procfile({}, Path()).commands) - {"web", "flower"}
    until(lambda: kinds() == working)
    prometheus.on.processes.kill("email")
    until(lambda: kinds() == working - {"email"})
    gone = [rule["expr"] for rule in ALERTS if rule["alert"] == "NotifierProcessGone"]
    [one] = until(lambda: prometheus.query(gone[0]))
    assert one["metric"]["process"] == "email"
