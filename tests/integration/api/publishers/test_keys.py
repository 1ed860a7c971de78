"""Who may do what: API keys, their scopes, and their lives."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.publishers import services, usage
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.scopes import Scope
from apps.publishers.selectors import get_key
from tests.integration.api.conftest import Api
from tests.support.waiting import until


def with_key(api: Api, key: str) -> Api:
    return Api(api.name, key, api._capture)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


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


def prefix_of(api: Api) -> str:
    return api.key.split("_")[1]


def made_by(api: Api, *scopes: str, **fields: object) -> Api:
    """A client with a key that this one's makes."""
    wanted = {"scopes": list(scopes or ["keys:write", "topics:read"]), **fields}
    return with_key(api, api.post("api-keys", wanted, status=201)["key"])


def rotated(api: Api, by: Api | None = None, grace: int = 3600) -> Api:
    """A client with the key that replaces this one's."""
    asking = by or api
    answer = asking.post(f"api-keys/{prefix_of(api)}/rotate", {"grace_seconds": grace}, status=201)
    return with_key(api, answer["key"])


def end_of(api: Api) -> datetime | None:
    return ApiKey.objects.get(prefix=prefix_of(api)).expires_at


@pytest.fixture
def brief(api: Api) -> Api:
    """A client with a key that ends in some seconds."""
    end = timezone.now() + timedelta(seconds=8)
    _, key = services.create_key(Publisher.objects.get().pk, list(Scope), expires_at=end)
    return with_key(api, key)


@pytest.mark.parametrize("wanted", [{}, {"expires_at": None}, {"expires_at": "2999-01-01"}])
def test_a_key_makes_none_that_outlives_it(brief: Api, wanted: dict[str, object]):
    child = made_by(brief, **wanted)
    grandchild = made_by(child, "topics:read", **wanted)
    assert end_of(child) == end_of(grandchild) == end_of(brief)
    sooner = timezone.now() + timedelta(seconds=2)
    assert end_of(made_by(brief, expires_at=sooner.isoformat())) == sooner


def test_a_key_does_not_prolong_itself_or_another_by_rotation(api: Api, brief: Api):
    child = made_by(brief)
    end = end_of(brief)
    lasting = made_by(api)
    assert end_of(rotated(lasting, by=brief)) == end
    assert end_of(rotated(child, by=brief)) <= end
    assert end_of(rotated(child)) <= end
    assert end_of(rotated(brief)) == end


def test_a_revoked_key_takes_with_it_all_that_it_made(api: Api):
    parent = made_by(api)
    child = made_by(parent)
    grandchild = made_by(child, "topics:read")
    replaced = rotated(child)
    great = made_by(replaced, "topics:read")
    stolen = rotated(made_by(api), by=parent)  # another's key, in the hands of the parent's
    bystander = made_by(api)
    for key in (child, grandchild, replaced, great, stolen):
        key.get("topics")
    api.delete(f"api-keys/{prefix_of(parent)}")
    for key in (parent, child, grandchild, replaced, great, stolen):
        assert refused(api, key.key) == "revoked-key"
    bystander.get("topics")
    api.get("topics")


def test_a_rotated_key_goes_on_and_its_family_ends_together(api: Api):
    first = made_by(api)
    child = made_by(first)
    second = rotated(first, grace=0)
    assert refused(api, first.key) == "expired-key"
    child.get("topics")  # the grace of a rotation ends nothing that the key made
    api.delete(f"api-keys/{prefix_of(first)}")
    assert refused(api, child.key) == "revoked-key"
    second.get("topics")
    heir = made_by(second)
    third = rotated(second)
    api.delete(f"api-keys/{prefix_of(first)}?family=true")
    for key in (second, third, heir):
        assert refused(api, key.key) == "revoked-key"
    api.get("topics")


def test_who_made_a_key_is_shown(api: Api):
    made = api.post("api-keys", {"scopes": ["topics:read"]}, status=201)
    assert made["made_by"] == prefix_of(api)
    first, second = api.get("api-keys")["data"]
    assert (first["made_by"], second["made_by"]) == ("manage.py", prefix_of(api))
    event = api.get("audit", object_type="api_key")["data"][0]
    assert event["after"]["made_by"] == prefix_of(api)


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_a_key_that_ended_makes_none_though_a_cached_copy_of_it_works(api: Api, end: str):
    copy = get_key(prefix_of(api))
    ApiKey.objects.update(**{end: timezone.now()})  # and no cache hears of it
    row = ApiKey.objects.get()
    with pytest.raises(services.KeyEnded):
        services.create_key(row.publisher_id, [Scope.TOPICS_READ], by=copy)
    with pytest.raises(services.KeyEnded):
        services.rotate_key(row, copy)


@pytest.mark.django_db(transaction=True)
def test_a_child_that_is_being_made_ends_with_its_parent(
    transactional_db: None, publisher: Callable[..., Api]
):
    api = publisher("shop")
    parent = made_by(api)

    def revoke() -> None:
        try:
            api.delete(f"api-keys/{prefix_of(parent)}")
        finally:
            connection.close()

    with ThreadPoolExecutor() as threads:
        with transaction.atomic():
            snapshot = get_key(prefix_of(parent))
            child, _ = services.create_key(
                Publisher.objects.get().pk, [Scope.TOPICS_READ], by=snapshot
            )
            revoked = threads.submit(revoke)
            until(somebody_waits)
        revoked.result()
    child.refresh_from_db()
    assert child.revoked_at is not None


def test_what_an_operator_changes_ends_no_key_after_its_maker(api: Api):
    parent = made_by(api)
    child = made_by(parent)
    other = rotated(child)
    admin = Client()
    admin.force_login(User.objects.create_superuser("olga"))

    def set_end(of: Api, day: str) -> str:
        row = ApiKey.objects.get(prefix=prefix_of(of))
        fields = {"name": "", "expires_at_0": day, "expires_at_1": "12:00:00"}
        with api._capture(execute=True):
            answer = admin.post(f"/admin/publishers/apikey/{row.pk}/change/", fields)
        return answer.content.decode()

    assert set_end(parent, "2999-01-01") == ""
    assert {end_of(one).year for one in (parent, child, other)} <= {2999, timezone.now().year}
    assert "The key that made it ends at" in set_end(child, "2999-02-01")
    assert set_end(other, "2998-01-01") == ""
    assert end_of(other).year == 2998
    row = ApiKey.objects.get(prefix=prefix_of(parent))
    chosen = {"action": "revoke_family", "_selected_action": [row.pk]}
    with api._capture(execute=True):
        admin.post("/admin/publishers/apikey/", chosen)
    for one in (parent, child, other):
        assert refused(api, one.key) == "revoked-key"


def test_operators_revoke_a_family_by_command(api: Api):
    first = made_by(api)
    second, child = rotated(first), made_by(first)
    out = StringIO()
    with api._capture(execute=True):
        call_command("revoke_key", prefix_of(first), "--family", stdout=out)
    for key in (first, second, child):
        assert prefix_of(key) in out.getvalue()
        assert refused(api, key.key) == "revoked-key"
    with pytest.raises(CommandError, match="no key nothing"):
        call_command("revoke_key", "nothing")


def test_a_leaked_key_is_revoked_as_it_was_found_and_not_repeated(api: Api):
    leaked = made_by(api)
    out = StringIO()
    with api._capture(execute=True):
        call_command("revoke_key", leaked.key, stdout=out)
    assert out.getvalue() == f"Revoked: {prefix_of(leaked)}.\n"
    assert refused(api, leaked.key) == "revoked-key"
    secret = "x" * 43
    with pytest.raises(CommandError) as error:
        call_command("revoke_key", f"ntf_aaaaaaaaaa_{secret}")
    assert secret not in str(error.value)


def test_the_first_key_has_what_posting_needs_and_nothing_about_people(api: Api):
    out = StringIO()
    call_command("create_publisher", "new", stdout=out, stderr=StringIO())
    new = with_key(api, out.getvalue().strip())
    new.post("topics", {"name": "orders"}, status=201)
    for method, path in (
        ("put", "recipients/ada"),
        ("post", "recipients/ada/contacts"),
        ("patch", "recipients/ada/preferences"),
        ("get", "recipients"),
        ("post", "suppressions"),
        ("get", "suppressions"),
        ("delete", "suppressions/1"),
        ("post", "api-keys"),
        ("get", "audit"),
    ):
        assert new.call(method, path, status=403)["type"] == "/problems/missing-scope"
    out = StringIO()
    call_command("create_publisher", "accounts", "--directory", stdout=out, stderr=StringIO())
    accounts = with_key(api, out.getvalue().strip())
    accounts.put("recipients/ada", {}, status=201)
    for method, path in (
        ("post", "notifications"),
        ("get", "topics"),
        ("delete", "suppressions/1"),
    ):
        accounts.call(method, path, status=403)


def test_a_scope_that_was_renamed_is_answered_with_its_new_name(api: Api):
    problem = api.post("api-keys", {"scopes": ["recipients:write"]}, status=400)
    assert problem["errors"][0]["detail"] == "recipients:write is called directory:write now."
    with pytest.raises(CommandError, match="directory:read now"):
        call_command("create_publisher", "x", "--scopes=recipients:read")


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

    with ThreadPoolExecutor() as threads:
        with transaction.atomic():
            services.revoke_key(row)
            rotated = threads.submit(rotate)
            until(somebody_waits)
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
