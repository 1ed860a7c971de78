"""The API's requests pass less middleware than pages, without a visible difference."""

import io
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.publishers import services
from apps.publishers.scopes import Scope
from config.wsgi import application
from tests.support.publishers.lookups import forget_lookups

pytestmark = pytest.mark.django_db(transaction=True)

#: Method, path and headers of what is asked.
ASKED = {
    "a list": ("GET", "/v1/topics", {}),
    "a post": ("POST", "/v1/topics", {"CONTENT_TYPE": "application/json"}),
    "no key": ("GET", "/v1/topics", {"HTTP_AUTHORIZATION": ""}),
    "no such path": ("POST", "/v1/nothing", {}),
    "a slash too many": ("GET", "/v1/topics/", {}),
    "a path like a route": ("GET", "/v1/topics/<str:name>", {}),
    "a method it does not have": ("DELETE", "/v1/topics", {}),
    "another host": ("GET", "/v1/topics", {"HTTP_HOST": "elsewhere.example"}),
    "what is possible": ("OPTIONS", "/v1/topics", {}),
    "the document": ("HEAD", "/v1/openapi.json", {}),
    "its page": ("GET", "/v1/docs", {}),
}
#: Without a name of its own each request would be given another one.
NAMED = {"HTTP_X_REQUEST_ID": "asked"}


@pytest.fixture
def key() -> str:
    """A publisher's API key."""
    forget_lookups()
    return services.create_key(services.create_publisher("shop").pk, tuple(Scope))[1]


def _of_whole_chain(asked: tuple[str, str, dict[str, str]], key: str) -> tuple[int, dict[str, str]]:
    method, path, environ = asked
    answer: Any = Client().generic(
        method, path, b"", **{"HTTP_AUTHORIZATION": f"Bearer {key}", **NAMED, **environ}
    )
    return answer.status_code, dict(answer.items())


def _of_server(asked: tuple[str, str, dict[str, str]], key: str) -> tuple[int, dict[str, str]]:
    method, path, environ = asked
    found: list[tuple[int, dict[str, str]]] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        **NAMED,
        **environ,
    }
    server = {"wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(), "wsgi.url_scheme": "http"}

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        found.append((int(status[:3]), dict(headers)))

    application({**environ, **server}, start).close()
    return found[0]


@pytest.mark.parametrize("asked", ASKED.values(), ids=list(ASKED))
def test_an_answer_has_the_headers_that_all_of_the_middleware_gives_it(asked, key):
    status, headers = _of_server(asked, key)
    whole, expected = _of_whole_chain(asked, key)
    for counted in ("RateLimit-Remaining", "RateLimit-Reset"):
        headers.pop(counted, None)
        expected.pop(counted, None)
    assert (status, headers) == (whole, expected)


def test_a_cookie_is_nothing_to_the_api(key):
    _, without = _of_server(ASKED["what is possible"], key)
    method, path, _ = ASKED["what is possible"]
    _, with_one = _of_server((method, path, {"HTTP_COOKIE": "sessionid=x; csrftoken=y"}), key)
    assert with_one.keys() == without.keys()


def test_what_the_api_leaves_out_is_there_for_pages():
    assert set(settings.MIDDLEWARE) - set(settings.API_MIDDLEWARE) == {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",  # apps.api.paths.CompletePaths
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    }
