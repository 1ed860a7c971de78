"""The sandbox's page of the bell: its policy, its people's tokens, and the library's files."""

from pathlib import Path

import jwt
import pytest

from notifier.security.tokens import Verifier
from sandbox.bell import Bell
from sandbox.protocol.exchange import Answer, Request

SECRET = "0123456789abcdef0123456789abcdef"
API, STREAM = "http://127.0.0.1:8000", "http://127.0.0.1:8001"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "index.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("secret")
    return {
        "NOTIFIER_INBOX_JWT_SECRET": SECRET,
        "NOTIFIER_PUBLIC_URL": API,
        "STREAM_PORT": "8001",
        "SANDBOX_INBOX_LIBRARY": str(tmp_path),
    }


@pytest.fixture
def bell(env: dict[str, str]) -> Bell:
    return Bell(env)


def get(bell: Bell, path: str, query: str = "", host: str = "127.0.0.1:8090") -> Answer:
    return bell.handle(Request("GET", path, query, {"host": host}, b"", "http", http2=False))


def test_the_page_may_call_the_service_and_run_nothing_that_is_inline(bell: Bell) -> None:
    answer = get(bell, "/bell")
    policy = dict(answer.headers)["content-security-policy"]
    assert f"connect-src 'self' {API} {STREAM};" in policy
    assert "unsafe" not in policy
    assert f'data-api="{API}" data-stream="{STREAM}"'.encode() in answer.body


def test_a_persons_token_is_one_that_the_service_takes(bell: Bell) -> None:
    token = get(bell, "/bell/token", "user=ada").body.decode()
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["sub"] == "ada"
    assert claims["exp"] - claims["iat"] == 300


def test_a_token_names_the_issuer_and_the_audience_that_the_service_asks_for(
    env: dict[str, str],
) -> None:
    asked = {"issuer": "https://shop.example", "audience": "notifier"}
    env |= {f"NOTIFIER_INBOX_JWT_{name.upper()}": value for name, value in asked.items()}
    token = get(Bell(env), "/bell/token", "user=ada").body.decode()
    Verifier(secret=SECRET, **asked).verify(token)


@pytest.mark.parametrize(
    ("host", "kind"),
    [("evil.example", "application/json"), ("127.0.0.1:8090", "text/plain"), ("", "")],
)
def test_no_other_sites_page_has_anything_sent(bell: Bell, host: str, kind: str) -> None:
    headers = {"host": host, "content-type": kind}
    query = "user=ada&display_type=page"
    asked = Request("POST", "/bell/send", query, headers, b"", "http", http2=False)
    assert bell.send(asked).status == 403


@pytest.mark.parametrize("host", ["", "10.0.0.7:8090", "evil.example:8090", "localhost.evil:1"])
def test_only_pages_on_this_machine_get_tokens(bell: Bell, host: str) -> None:
    assert get(bell, "/bell/token", "user=ada", host).status == 403
    for local in ("localhost:8090", "127.0.0.1", "[::1]:8090"):
        assert get(bell, "/bell/token", "user=ada", local).status == 200


def test_without_a_service_or_a_person_there_is_no_token(bell: Bell) -> None:
    assert get(bell, "/bell/token").status == 404
    assert get(Bell({}), "/bell/token", "user=ada").status == 404


@pytest.mark.parametrize("name", ["secret.txt", "../bell.py", "missing.js", "a/index.js"])
def test_only_files_of_the_library_are_served(bell: Bell, name: str) -> None:
    assert get(bell, "/bell/index.js").status == 200
    assert get(bell, f"/bell/{name}").status == 404


def test_a_library_that_is_not_built_says_how_to_build_it(bell: Bell) -> None:
    assert b"npm run build" in get(bell, "/bell/worker.js").body
