"""Keys that keys made end with them, and none outlives its maker."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from apps.publishers import services
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.scopes import Scope
from apps.publishers.selectors import get_key
from tests.support.publishers.api_client import Api
from tests.support.publishers.api_keys import (
    end_of,
    made_by,
    prefix_of,
    refused,
    rotated,
    with_key,
)
from tests.support.waiting import somebody_waits, until


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
    ApiKey.objects.update(**{end: timezone.now()})  # and no cache is notified
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
