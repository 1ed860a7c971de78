"""API keys: which are taken, and which scopes they need."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.publishers import usage
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.scopes import Scope
from tests.support.publishers.api_client import Api
from tests.support.publishers.api_keys import refused
from tests.support.waiting import until


def test_a_request_without_a_key_is_answered_with_how_to_send_one(api: Api):
    problem = api.call("get", "topics", status=401, headers={})
    assert problem["type"] == "/problems/missing-key"
    assert api.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["Basic abc", "Bearer", "Bearer abc", "Bearer ntf_aaaaaaaaaa_", "Bearer ntf_x_y"]
)
def test_what_is_not_written_like_a_key_is_refused(api: Api, header: str):
    problem = api.call("get", "topics", status=401, headers={"Authorization": header})
    assert problem["type"] == "/problems/invalid-key"
    assert api.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_wrong_secret_is_refused_like_an_unknown_key(api: Api):
    assert refused(api, api.key[:-1] + ("a" if api.key[-1] != "a" else "b")) == "invalid-key"
    assert refused(api, "ntf_" + "x" * 10 + "_" + "y" * 43) == "invalid-key"


def test_a_key_is_stored_as_its_hash_only(api: Api):
    secret = api.key.split("_", 2)[2]
    for field in ApiKey.objects.values().get().values():
        assert secret not in str(field)
        assert not isinstance(field, memoryview | bytes) or secret.encode() not in bytes(field)


def test_an_expired_key_is_refused(api: Api):
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused(api, api.key) == "expired-key"


def test_a_publisher_that_is_switched_off_is_refused(api: Api):
    Publisher.objects.update(is_active=False)
    assert api.get("topics", status=403)["type"] == "/problems/inactive-publisher"


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        (Scope.TOPICS_READ, "get", "topics"),
        (Scope.TOPICS_WRITE, "post", "topics"),
        (Scope.TOPICS_READ, "get", "topics/x"),
        (Scope.TOPICS_WRITE, "patch", "topics/x"),
        (Scope.TOPICS_WRITE, "delete", "topics/x"),
        (Scope.TOPICS_WRITE, "put", "topics/x/grants/y"),
        (Scope.SUBSCRIPTIONS_READ, "get", "topics/x/subscriptions"),
        (Scope.SUBSCRIPTIONS_WRITE, "post", "topics/x/subscriptions"),
        (Scope.SUBSCRIPTIONS_WRITE, "delete", "topics/x/subscriptions/1"),
        (Scope.SUBSCRIPTIONS_WRITE, "post", "topics/x/unsubscribe"),
        (Scope.DIRECTORY_READ, "get", "recipients"),
        (Scope.DIRECTORY_READ, "get", "recipients/x"),
        (Scope.DIRECTORY_WRITE, "put", "recipients/x"),
        (Scope.DIRECTORY_WRITE, "post", "recipients/bulk"),
        (Scope.DIRECTORY_WRITE, "post", "recipients/x/devices"),
        (Scope.DIRECTORY_WRITE, "post", "recipients/x/contacts"),
        (Scope.DIRECTORY_READ, "get", "recipients/x/preferences"),
        (Scope.DIRECTORY_WRITE, "patch", "recipients/x/preferences"),
        (Scope.KEYS_WRITE, "get", "api-keys"),
        (Scope.KEYS_WRITE, "post", "api-keys"),
    ],
)
def test_a_missing_scope_is_named(
    publisher: Callable[..., Api], scope: Scope, method: str, path: str
):
    api = publisher("poor", [other for other in Scope if other != scope])
    problem = api.call(method, path, status=403)
    assert problem["type"] == "/problems/missing-scope"
    assert problem["scope"] == scope


def test_a_scope_that_was_renamed_is_answered_with_its_new_name(api: Api):
    problem = api.post("api-keys", {"scopes": ["recipients:write"]}, status=400)
    assert problem["errors"][0]["detail"] == "recipients:write is called directory:write now."
    with pytest.raises(CommandError, match="directory:read now"):
        call_command("create_publisher", "x", "--scopes=recipients:read")


@pytest.mark.django_db(transaction=True)
def test_the_last_use_is_written_once_a_minute_and_not_by_the_request(
    transactional_db: None,
    publisher: Callable[..., Api],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Callable[..., object],
):
    api = publisher("shop")
    written = []
    monkeypatch.setattr(usage, "_wake", type("Wake", (), {"set": lambda _: written.append(1)})())

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            api.get("topics")
        return len(asked)

    until(lambda: queries() == 1)  # this process has dropped its cached key by now
    with django_assert_num_queries(1):
        api.get("topics")  # the list, and nothing for the key
    assert written == [1]
    usage.write()
    used = ApiKey.objects.get().last_used_at
    assert timezone.now() - used < timedelta(seconds=5)
