"""Mistakes of callers on a real Gunicorn are answered as such and do not fill the log."""

import contextlib
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from stack import servers, whole_service
from stack.state_directory import kept
from stack.supervision.process import PATIENCE
from stack.whole_service import Stage

FORM = "application/x-www-form-urlencoded"
FIELDS = "&".join(f"f{number}=1" for number in range(1_100))
PART = "--x\r\nContent-Disposition: form-data"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with kept(tmp_path_factory.mktemp("hostile") / "state") as state:
        with servers.running(state) as found, whole_service.running(state, found, "web") as on:
            yield on


def raw(
    method: str,
    path: str,
    *,
    body: str = "",
    host: str = "127.0.0.1",
    length: int | str | None = None,
    **headers: str,
) -> str:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or length is not None:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines) + f"\r\n\r\n{body}"


def send(web: Stage, request: str, *, hang_up: bool = False) -> int:
    """The status of the answer; 0 where there is none, as after hanging up."""
    place = urlsplit(web.api_url)
    with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as connection:
        connection.sendall(request.encode("latin-1"))
        if hang_up:
            return 0
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                answer += part
    match = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(match[1]) if match else 0


def pages() -> Iterator[tuple[str, str]]:
    """Requests by what is wrong with them."""
    for path in (
        "/",
        "/v1/notifications",
        "/admin/login/",
        "/healthz",
        "/nothing",
        "/static/x.css",
    ):
        yield f"wrong host at {path}", raw("GET", path, host="evil.example.com")
        yield f"malformed host at {path}", raw("GET", path, host="a b<c>\x85")
    for path in ("/v1/notifications", "/admin/login/"):
        kind = "application/json" if path.startswith("/v1") else FORM
        yield (
            f"too large for {path}",
            raw("POST", path, body="a=" + "x" * 3_000_000, Content_Type=kind),
        )
        yield f"too many fields for {path}", raw("POST", path, body=FIELDS, Content_Type=FORM)
        for boundary in ("x", "", "\xff", "x" * 300):
            form = f"multipart/form-data; boundary={boundary}"
            yield (
                f"bad multipart {boundary} for {path}",
                raw("POST", path, body=PART, Content_Type=form),
            )
        yield (
            f"odd charset for {path}",
            raw("POST", path, body="a=1", Content_Type=f"{FORM}; charset=x"),
        )
        yield f"not UTF-8 for {path}", raw("POST", path, body="a=%ff\xff", Content_Type=kind)
        for length in ("-1", "abc", "1e3", "99999999999999999999999"):
            yield f"length {length} for {path}", raw("POST", path, body="{}", length=length)
        for cookie in (
            'sessionid="\\000\\000\\000\\000\\000\\000\\000\\000abcdef"',
            f"sessionid={'x' * 5000}",
            "sessionid=\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7",
            'csrftoken="\\000"; messages="\\000"',
            "messages=W1siX19qc29uX21lc3NhZ2UiLDAsMjUsIngiXV0:x:y; sessionid=12345678901234567",
            "=; ;;;===",
        ):
            yield f"cookie {cookie[:20]} at {path}", raw("GET", path, Cookie=cookie)
            yield (
                f"posted with cookie {cookie[:20]} at {path}",
                raw("POST", path, body="a=1", Content_Type=FORM, Cookie=cookie),
            )
    for path in (
        "/static/%00",
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2fetc/passwd",
        "/static//etc/passwd",
        "/static/%ff",
        "/static/" + "a" * 300,
        "/admin/%00/",
        "/admin/login/?next=%00",
        "/admin/login/?next=//evil.example.com",
        "/admin/?%00=%ff&q=%00",
        "/v1/recipients/%00",
        "/v1/topics?limit=%00&cursor=%00",
        "/problems/%00",
        "/v1/confirm?token=%00",
        "/?" + "a=1&" * 1_100,
        "/admin/?" + "a=1&" * 1_100,
    ):
        yield f"path {path[:40]}", raw("GET", path)
    for name, value in {
        "Authorization": "Bearer \xff\xfe",
        "Accept": "\xff;q=x",
        "Accept_Language": "x" * 2_000,
        "X_Forwarded_For": "\xff, not an address",
        "Referer": "http://[::1/x",
        "Origin": "http://[::1/x",
        "Range": "bytes=9999999999999999999999-",
        "If_Modified_Since": "Thu, 99 Xyz 99999 99:99:99 GMT",
    }.items():
        for path in ("/v1/topics", "/admin/login/", "/static/admin/css/base.css"):
            yield f"{name} at {path}", raw("GET", path, **{name: value})
    form = "username=%00&password=%00&csrfmiddlewaretoken=x"
    yield "log-in with NUL", raw("POST", "/admin/login/", body=form, Content_Type=FORM)
    for referer in ("https://[x", "null"):
        yield (
            f"log-in from {referer}",
            raw(
                "POST",
                "/admin/login/",
                body=form,
                Content_Type=FORM,
                Referer=referer,
                Origin=referer,
            ),
        )


def test_no_mistake_of_a_caller_is_ours_or_makes_a_trace(web):
    ours = []
    for what, request in pages():
        for _ in range(3):
            if (status := send(web, request)) >= 500:
                ours.append((what, status))
    assert ours == []
    for path in ("/v1/notifications", "/admin/login/"):
        for kind in (FORM, "application/json", "multipart/form-data; boundary=x"):
            cut = raw("POST", path, body=PART, length=10_000, Content_Type=kind)
            send(web, cut, hang_up=True)
    assert send(web, raw("GET", "/healthz")) == 200
    log = web.processes["web"].log
    assert "Traceback" not in log, log[-6_000:]
    assert "Internal Server Error" not in log, log[-6_000:]


def test_a_wrong_host_is_one_line_however_often(web):
    before = web.processes["web"].log.count("HTTP_HOST")
    answers = {send(web, raw("GET", "/v1/topics", host="evil.example.com")) for _ in range(200)}
    assert answers == {400}
    assert web.processes["web"].log.count("HTTP_HOST") - before <= 2  # a line for each process


def test_the_line_says_how_many_it_stands_for_and_cannot_be_forged(monkeypatch):
    from logging import ERROR, LogRecord

    from config.logs import filters

    seldom = filters.OncePerMinute()
    clock = iter([0.0, 1.0, 2.0, 61.0, 61.5])
    monkeypatch.setattr(filters.time, "monotonic", lambda: next(clock))

    def said(text, name="django.security.DisallowedHost"):
        record = LogRecord(name, ERROR, "", 0, text, (), None)
        return record.getMessage() if seldom.filter(record) else None

    assert said("first") == "first"
    assert said("second") is None
    assert said("third") is None
    assert said("a\r\nforged\x1b[0m line") == (
        "a forged [0m line (and 2 more since the last such line)"
    )
    assert said("of another", "django.security.csrf") == "of another"
