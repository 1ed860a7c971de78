"""Who may do what: API keys, their scopes, and their lives."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.publishers import services, usage
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.scopes import Scope
from tests.integration.api.conftest import Api
from tests.integration.stack.family import until


def with_key(api: Api, key: str) -> Api:
    return Api(api.name, key, api._capture)


def refused(api: Api, key: str) -> str:
    problem = with_key(api, key).get("topics", status=401)
    return problem["type"].removeprefix("/problems/")


def test_a_request_without_a_key_is_told_how_to_send_one(api: Api):
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
        (Scope.RECIPIENTS_READ, "get", "recipients"),
        (Scope.RECIPIENTS_READ, "get", "recipients/x"),
        (Scope.RECIPIENTS_WRITE, "put", "recipients/x"),
        (Scope.RECIPIENTS_WRITE, "post", "recipients/bulk"),
        (Scope.RECIPIENTS_WRITE, "post", "recipients/x/devices"),
        (Scope.RECIPIENTS_WRITE, "post", "recipients/x/contacts"),
        (Scope.RECIPIENTS_READ, "get", "recipients/x/preferences"),
        (Scope.RECIPIENTS_WRITE, "patch", "recipients/x/preferences"),
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


def test_a_key_makes_keys_with_its_own_scopes_and_no_others(publisher: Callable[..., Api]):
    api = publisher("shop", [Scope.KEYS_WRITE, Scope.TOPICS_READ])
    made = api.post("api-keys", {"name": "job", "scopes": ["topics:read"]}, status=201)
    assert made["prefix"] == made["key"].split("_")[1]
    assert with_key(api, made["key"]).get("topics") == {"data": [], "next": None}
    with_key(api, made["key"]).get("recipients", status=403)
    beyond = api.post("api-keys", {"scopes": ["topics:write"]}, status=403)
    assert beyond["scope"] == "topics:write"
    past = api.post("api-keys", {"scopes": ["topics:read"], "expires_at": "2020-01-01"}, status=400)
    assert past["errors"][0]["pointer"] == "/expires_at"


def test_keys_are_listed_without_secrets_to_their_publisher_only(api: Api, other: Api):
    (row,) = api.get("api-keys")["data"]
    assert row["prefix"] == api.key.split("_")[1]
    assert set(row["scopes"]) == set(Scope)
    assert not {"key", "digest"} & set(row)
    (row,) = other.get("api-keys")["data"]
    assert row["prefix"] == other.key.split("_")[1]


def test_a_revoked_key_is_refused_at_once(api: Api):
    made = api.post("api-keys", {"scopes": ["topics:read"]}, status=201)
    with_key(api, made["key"]).get("topics")
    api.delete(f"api-keys/{made['prefix']}")
    assert refused(api, made["key"]) == "revoked-key"
    assert api.get("api-keys")["data"][1]["revoked_at"] is not None


def test_nobody_revokes_or_rotates_another_publishers_key(api: Api, other: Api):
    prefix = other.key.split("_")[1]
    api.delete(f"api-keys/{prefix}", status=404)
    api.post(f"api-keys/{prefix}/rotate", {}, status=404)
    other.get("topics")


def test_a_rotated_key_works_beside_the_new_one_until_its_grace_is_over(api: Api):
    prefix = api.key.split("_")[1]
    new = api.post(f"api-keys/{prefix}/rotate", {"grace_seconds": 3600}, status=201)
    assert set(new["scopes"]) == set(Scope)
    api.get("topics")
    with_key(api, new["key"]).get("topics")
    left = ApiKey.objects.get(prefix=prefix).expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    again = with_key(api, new["key"])
    again.post(f"api-keys/{prefix}/rotate", {"grace_seconds": 0}, status=201)
    assert refused(api, api.key) == "expired-key"
    again.delete(f"api-keys/{prefix}")
    assert again.post(f"api-keys/{prefix}/rotate", {}, status=409)["type"] == "/problems/conflict"


def test_a_key_does_not_rotate_one_that_may_do_more(api: Api):
    weak = api.post("api-keys", {"scopes": ["keys:write"]}, status=201)
    prefix = api.key.split("_")[1]
    problem = with_key(api, weak["key"]).post(f"api-keys/{prefix}/rotate", {}, status=403)
    assert problem["type"] == "/problems/missing-scope"


def test_the_new_key_lives_as_long_as_the_old_one_did(api: Api):
    old, _ = services.create_key(
        Publisher.objects.get().pk,
        [Scope.TOPICS_READ],
        expires_at=timezone.now() + timedelta(days=30),
    )
    new = api.post(f"api-keys/{old.prefix}/rotate", {}, status=201)
    life = ApiKey.objects.get(prefix=new["prefix"]).expires_at - timezone.now()
    assert timedelta(days=29) < life < timedelta(days=31)


def test_neither_a_new_key_nor_a_rotated_one_gets_out_of_its_rate(api: Api):
    spare = api.post("api-keys", {"scopes": ["topics:read"]}, status=201)
    prefix = api.key.split("_")[1]
    with api._capture(execute=True):
        key = ApiKey.objects.get(prefix=prefix)
        key.rate_per_second, key.burst = 7, 9
        key.save()
    made = [
        api.post("api-keys", {"scopes": ["topics:read"]}, status=201),
        api.post(f"api-keys/{prefix}/rotate", {}, status=201),
        api.post(f"api-keys/{spare['prefix']}/rotate", {}, status=201),
    ]
    rows = ApiKey.objects.filter(prefix__in=[one["prefix"] for one in made])
    assert list(rows.values_list("rate_per_second", "burst")) == [(7, 9)] * 3
    ApiKey.objects.filter(prefix=made[0]["prefix"]).update(rate_per_second=3, burst=None)
    slower = api.post(f"api-keys/{made[0]['prefix']}/rotate", {}, status=201)
    row = ApiKey.objects.get(prefix=slower["prefix"])
    assert (row.rate_per_second, row.burst) == (3, None)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_being_revoked_is_not_rotated(
    transactional_db: None, publisher: Callable[..., Api]
):
    api = publisher("shop")
    row, _ = services.create_key(Publisher.objects.get().pk, [Scope.TOPICS_READ])

    def rotate() -> dict[str, object]:
        try:
            return api.post(f"api-keys/{row.prefix}/rotate", {}, status=409)
        finally:
            connection.close()

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return cursor.fetchone()[0] > 0

    with ThreadPoolExecutor() as threads:
        with transaction.atomic():
            services.revoke_key(row)
            rotated = threads.submit(rotate)
            until(waits)
        assert rotated.result()["type"] == "/problems/conflict"
    assert ApiKey.objects.count() == 2


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

    until(lambda: queries() == 1)  # this process has heard by now that the key is new
    with django_assert_num_queries(1):
        api.get("topics")  # the list, and nothing for the key
    assert written == [1]
    usage.write()
    used = ApiKey.objects.get().last_used_at
    assert timezone.now() - used < timedelta(seconds=5)


def test_create_publisher_prints_a_key_that_works_once(api: Api):
    out, err = StringIO(), StringIO()
    call_command("create_publisher", "billing", "--display-name=Billing", stdout=out, stderr=err)
    key = out.getvalue().strip()
    assert with_key(api, key).get("topics") == {"data": [], "next": None}
    assert key not in err.getvalue()
    assert Publisher.objects.get(name="billing").display_name == "Billing"


def test_create_publisher_limits_scopes_and_life(db: None):
    call_command(
        "create_publisher",
        "b",
        "--scopes=topics:read, topics:write",
        "--expires-days=2",
        stdout=StringIO(),
        stderr=StringIO(),
    )
    key = ApiKey.objects.get()
    assert key.scopes == ["topics:read", "topics:write"]
    assert timedelta(days=1) < key.expires_at - timezone.now() <= timedelta(days=2)
    call_command("create_publisher", "b", "--another-key", stdout=StringIO(), stderr=StringIO())
    assert ApiKey.objects.filter(publisher__name="b").count() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shop"], "shop exists"),
        (["new", "--scopes=everything"], "No such scope: everything"),
        (["two words"], "letters, digits"),
        (["new", "--expires-days=0"], "at least one day"),
        (["new", "--another-key"], "no publisher new"),
    ],
)
def test_create_publisher_says_what_is_wrong(api: Api, arguments: list[str], message: str):
    with pytest.raises(CommandError, match=message):
        call_command("create_publisher", *arguments, stdout=StringIO(), stderr=StringIO())
