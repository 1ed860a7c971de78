"""Publishers make, list, revoke and rotate their keys."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.publishers import services
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.scopes import Scope
from tests.support.publishers.api_client import Api
from tests.support.publishers.api_keys import refused, with_key
from tests.support.waiting import somebody_waits, until


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

    with ThreadPoolExecutor() as threads:
        with transaction.atomic():
            services.revoke_key(row)
            rotated = threads.submit(rotate)
            until(somebody_waits)
        assert rotated.result()["type"] == "/problems/conflict"
    assert ApiKey.objects.count() == 2
