"""Flower asks for the admin's session and a role, by itself and behind the sample proxies."""

import hashlib
import os
import re
import signal
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import urllib3

from stack import manage, servers, whole_service
from stack.deployment.files import DEPLOY
from stack.state_directory import State, kept
from stack.supervision import ports
from stack.supervision.process import Process
from stack.whole_service import Stage
from tests.integration.deployment.test_proxies import HOST, PROXIES
from tests.support.fakes import certificates
from tests.support.programs import need

#: Makes operators: who may use Flower, and who may not. Django's own shell runs it.
OPERATORS = """
from django.contrib.auth.models import Group, User
for name, role in (("runs", "operator"), ("helps", "support")):
    user = User.objects.create_user(name, password="correct horse battery", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    with kept(tmp_path_factory.mktemp("flower") / "state") as state:
        yield state


@pytest.fixture(scope="module")
def service(state: State) -> Iterator[Stage]:
    settings = {
        "FLOWER_PORT": str(ports.free()),
        "FLOWER_URL_PREFIX": "flower",
        "NOTIFIER_PUBLIC_URL": f"https://{HOST}",
        "NOTIFIER_ALLOWED_HOSTS": f"127.0.0.1,{HOST}",
        "NOTIFIER_TRUSTED_PROXIES": "127.0.0.1",
    }
    with servers.running(state) as found:
        with whole_service.running(state, found, "web", "flower", settings=settings) as on:
            manage.run(state, on.env, "shell", "-c", OPERATORS)
            yield on


def url(service: Stage) -> str:
    return f"http://127.0.0.1:{service.env['FLOWER_PORT']}/flower"


def log_in(base: str, name: str, onward: str = "/admin/") -> tuple[requests.Session, Any]:
    """A browser in which somebody logged in at ``base``, and the answer to it."""
    urllib3.disable_warnings()  # the proxies' certificate is made for the test
    session = requests.Session()
    session.verify, session.trust_env = False, False
    session.headers.update({"Host": HOST, "Referer": f"https://{HOST}/"})
    if not base.startswith("https"):
        session.headers["X-Forwarded-Proto"] = "https"
    page = session.get(f"{base}/admin/login/", timeout=60).text
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[:1]
    cookies = {one.name: one.value for one in session.cookies}  # also where there is no TLS
    body = {"username": name, "password": "correct horse battery", "next": onward}
    answer = session.post(
        f"{base}/admin/login/",
        body | {"csrfmiddlewaretoken": token},
        headers={"Cookie": "; ".join(f"{one}={value}" for one, value in cookies.items())},
        allow_redirects=False,
        timeout=60,
    )
    assert answer.status_code == 302, answer.text
    return session, answer


def with_session(session: requests.Session, address: str, **options: Any) -> requests.Response:
    """Ask Flower itself, where there is no TLS and the cookie would not be sent."""
    cookie = f"sessionid={session.cookies.get('sessionid')}"
    return requests.request(
        options.pop("method", "GET"),
        address,
        headers={"Cookie": cookie, **options.pop("headers", {})},
        allow_redirects=False,
        timeout=60,
        **options,
    )


def test_without_a_session_it_sends_to_the_admin_or_refuses(service: Stage):
    answer = requests.get(f"{url(service)}/tasks", allow_redirects=False, timeout=60)
    assert answer.status_code == 302
    at = urlsplit(answer.headers["Location"])
    assert (at.netloc, at.path, at.query) == (HOST, "/admin/login/", "next=%2Fflower%2Ftasks")
    for path in ("metrics", "healthcheck", "api/workers"):
        assert requests.get(f"{url(service)}/{path}", timeout=60).status_code == 401, path
    for forged in ("a" * 32, r'"a\000b"', '""'):
        cookie = {"Cookie": f"sessionid={forged}"}
        answer = requests.get(f"{url(service)}/metrics", headers=cookie, timeout=60)
        assert answer.status_code == 401, forged


def test_a_role_that_may_use_it_opens_it_until_the_session_ends(service: Stage, state: State):
    session, _ = log_in(service.api_url, "runs")
    for path in ("workers", "tasks", "metrics", "api/workers"):
        assert with_session(session, f"{url(service)}/{path}").status_code == 200, path
    posted = with_session(session, f"{url(service)}/api/task/apply/x", method="POST")
    assert posted.status_code == 403, "a form of another page has no token"
    key = session.cookies.get("sessionid")
    ends = "from apps.operators.signin.models import OperatorSession"
    manage.run(state, service.env, "shell", "-c", f"{ends}\nOperatorSession(pk={key!r}).delete()")
    assert with_session(session, f"{url(service)}/workers").status_code == 302


def test_its_pages_run_its_own_scripts_alone_and_in_no_frame(service: Stage):
    session, _ = log_in(service.api_url, "runs")
    inline = []
    for path in ("workers", "tasks", "broker"):
        answer = with_session(session, f"{url(service)}/{path}")
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, path
        for script in re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", answer.text, re.S):
            digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy, script
            inline.append(script)
        assert not re.search(r"<[^>]+\son\w+=", answer.text), path
    assert inline, "the policy names a script that no page has"
    refused = requests.get(f"{url(service)}/metrics", timeout=60)
    assert "frame-ancestors 'none'" in refused.headers["Content-Security-Policy"]


def test_a_role_that_may_not_is_refused(service: Stage):
    session, _ = log_in(service.api_url, "helps")
    answer = with_session(session, f"{url(service)}/workers")
    assert answer.status_code == 403
    assert "helps has no role that may use Flower" in answer.text


def test_programs_have_a_password(service: Stage):
    name, _, password = service.env["FLOWER_BASIC_AUTH"].partition(":")
    for path in ("metrics", "healthcheck", "api/workers", "tasks"):
        right = requests.get(f"{url(service)}/{path}", auth=(name, password), timeout=60)
        wrong = requests.get(f"{url(service)}/{path}", auth=(name, "guess"), timeout=60)
        assert (right.status_code, wrong.status_code) == (200, 401), path


@pytest.fixture(params=PROXIES)
def proxy(request: Any, service: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a sample proxy that takes this machine for one of the operators'."""
    file, package, write = PROXIES[request.param]
    need(package)
    folder = tmp_path_factory.mktemp(f"flower-{request.param}")
    folder.chmod(0o755)
    pem = certificates.joined(folder, HOST)
    tls, plain = ports.free(), ports.free()
    sample = (DEPLOY / file).read_text()
    for name, value in {
        "127.0.0.1:8000": urlsplit(service.api_url).netloc,
        "127.0.0.1:5555": urlsplit(url(service)).netloc,
        "10.0.0.0/8": "127.0.0.0/8",
        "listen 443": f"listen {tls}",
        "bind :443": f"bind :{tls}",
        "listen 80": f"listen {plain}",
        "bind :80": f"bind :{plain}",
        f"/etc/ssl/{HOST}.pem": str(pem),
        f"/etc/ssl/private/{HOST}.key": str(pem),
        f"/etc/haproxy/{HOST}.pem": str(pem),
    }.items():
        sample = sample.replace(name, value)
    _, runs = write(folder, sample)
    stop = ((signal.SIGTERM, 5.0),)
    log = folder / "output.log"
    with Process(request.param, runs, env=os.environ, output=log, stop=stop) as running:
        running.wait_until(lambda: ports.listens(tls), 20)
        yield f"https://127.0.0.1:{tls}"


def test_behind_a_proxy_the_log_in_leads_back_to_it(service: Stage, proxy: str):
    headers = {"Host": HOST}
    ask = {"headers": headers, "verify": False, "allow_redirects": False, "timeout": 60}
    urllib3.disable_warnings()
    answer = requests.get(f"{proxy}/flower/", **ask)
    assert answer.headers["Location"] == f"https://{HOST}/admin/login/?next=%2Fflower%2F"
    session, logged_in = log_in(proxy, "runs", "/flower/")
    assert logged_in.headers["Location"] == "/flower/"
    page = session.get(f"{proxy}/flower/", timeout=60)
    assert page.status_code == 200 and "Flower" in page.text
