"""Security headers of each kind of answer."""

import re
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.test import Client

from stack.supervision.process import ROOT

#: Pages of people, where the URL is the token.
PERSONAL = ("/v1/confirmations/", "/v1/unsubscribe/", "/v1/preferences/")
#: In a process of its own, since settings are read once.
HTTPS = """
import os
os.environ.update(
    NOTIFIER_PUBLIC_URL="https://n.example.com",
    NOTIFIER_ALLOWED_HOSTS="n.example.com",
    NOTIFIER_TRUSTED_PROXIES="192.0.2.0/24",
    NOTIFIER_SECRET_KEY="abcdefgh1234567" * 5,
    DJANGO_SETTINGS_MODULE="config.settings",
)
import django
django.setup()
from django.core.management import call_command
from django.test import Client

call_command("check", "--deploy", "--fail-level", "WARNING")
ours = {"Host": "n.example.com"}
for scheme in ("http", "https"):
    answer = Client().get("/healthz", headers=ours | {"X-Forwarded-Proto": scheme})
    print(answer.headers["Strict-Transport-Security"], answer.wsgi_request.is_secure())
client = Client(enforce_csrf_checks=True)
token = client.get("/admin/login/", headers=ours).cookies["csrftoken"]
print(token["secure"])
posted = {"username": "", "csrfmiddlewaretoken": token.value}
ours["Origin"] = "https://n.example.com"
print(client.post("/admin/login/", posted, headers=ours).status_code)
"""


def directives(answer) -> dict[str, list[str]]:
    policy = answer.headers["Content-Security-Policy"]
    return {words[0]: words[1:] for words in (part.split() for part in policy.split(";"))}


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/admin/login/",
        "/admin/nothing/",
        "/v1/docs",
        "/v1/openapi.json",
        "/v1/topics",
        "/v1/nothing",
        "/v1/confirmations/x",
        "/v1/unsubscribe/x",
        "/v1/preferences/x",
        "/problems",
        "/problems/not-found",
        "/v1/inbox",
        "/healthz",
        "/readyz",
        "/metrics",
        "/nothing",
        "/static/operators/operators.js",
        "/",
    ],
)
def test_every_kind_of_answer_has_every_header(operator: Client, path: str):
    answer = operator.get(path)
    policy = directives(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    with_forms = path.startswith(("/admin/", *PERSONAL))
    assert policy["form-action"] == (["'self'"] if with_forms else ["'none'"])
    scripts = policy.get("script-src", [])
    assert "'unsafe-inline'" not in scripts
    assert ("'unsafe-eval'" in scripts) == path.startswith("/admin/")
    in_url = path.startswith(PERSONAL)
    assert answer.headers["Referrer-Policy"] == ("no-referrer" if in_url else "same-origin")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers.get("X-Frame-Options", "DENY") == "DENY"


def test_strict_pages_allow_no_style_or_script_from_markup(operator: Client):
    for path in ("/v1/docs", *(f"{start}x" for start in PERSONAL)):
        assert "unsafe" not in operator.get(path).headers["Content-Security-Policy"]


def test_no_template_of_ours_has_scripts_in_its_markup():
    found = [*ROOT.glob("apps/*/templates/**/*.html"), *ROOT.glob("apps/*/overrides/**/*.html")]
    assert len(found) > 8
    for path in found:
        text = path.read_text()
        assert not re.search(r"\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", text), path


def test_an_https_service_is_hardened_and_passes_djangos_checks(transactional_db: None):
    done = subprocess.run(
        [sys.executable, "-c", HTTPS], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr
    said = done.stdout.splitlines()[-4:]
    assert said == ["max-age=31536000 False", "max-age=31536000 True", "True", "200"]


def test_plain_http_is_sent_no_header_of_tls(operator: Client):
    assert "Strict-Transport-Security" not in operator.get("/healthz").headers


def test_somebody_without_an_account_sees_the_log_in_alone(transactional_db: None):
    User.objects.create_user("visitor")
    answer = Client().get("/admin/")
    assert answer.status_code == 302
