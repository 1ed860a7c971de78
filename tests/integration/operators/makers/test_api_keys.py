"""API keys that operators make in the admin."""

import json
import logging
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.serializers import serialize
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from apps.operators.signin.models import OperatorSession
from apps.publishers.models import ApiKey, AuditEvent
from apps.publishers.scopes import MEANINGS, PUBLISHING
from tests.support.publishers.shop import Shop

ADD = "admin:publishers_apikey_add"
KEY = re.compile(r"ntf_\w{10}_[\w-]+")


def typed(shop: Shop, **changed: object) -> dict[str, object]:
    fields = {"publisher": shop.id, "name": "nightly job", "scopes": ["topics:read"]}
    return {**fields, "expires_at_0": "", "expires_at_1": "", **changed}


@pytest.fixture
def key_maker(transactional_db: None) -> Client:
    """An operator who may make keys, and is no superuser."""
    user = User.objects.create_user("key-maker", is_staff=True)
    codenames = ["view_publisher", "view_apikey", "add_apikey"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def made(client: Client, shop: Shop, **changed: object) -> str:
    """The key that the page shows."""
    answer = client.post(reverse(ADD), typed(shop, **changed))
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    [key] = set(KEY.findall(answer.content.decode()))
    return key


def status(path: str, key: str) -> int:
    return Client().get(f"/v1/{path}", headers={"Authorization": f"Bearer {key}"}).status_code


def test_a_key_that_an_operator_makes_works_as_far_as_its_scopes_go(shop: Shop, operator: Client):
    key = made(operator, shop)
    assert status("topics", key) == 200
    assert status("templates", key) == 403
    row = ApiKey.objects.get(prefix=key.split("_")[1])
    assert (row.publisher_id, row.name, row.scopes) == (shop.id, "nightly job", ["topics:read"])
    assert (row.made_by, row.expires_at) == ("admin", None)


def test_a_key_is_shown_once_and_kept_nowhere(
    shop: Shop, operator: Client, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        key = made(operator, shop)
    secret = key.split("_", 2)[2]
    row = ApiKey.objects.get(prefix=key.split("_")[1])
    for url in (
        reverse("admin:publishers_apikey_changelist"),
        reverse("admin:publishers_apikey_change", args=[row.pk]),
        reverse("admin:publishers_publisher_change", args=[shop.id]),
        reverse("admin:publishers_auditevent_changelist"),
        reverse("admin:index"),
    ):
        assert secret not in operator.get(url).content.decode(), url
    kept = serialize("json", [*ApiKey.objects.all(), *AuditEvent.objects.all()])
    kept += serialize("json", LogEntry.objects.all())
    kept += json.dumps([one.get_decoded() for one in OperatorSession.objects.all()])
    assert secret not in kept
    assert secret not in caplog.text
    assert not any(secret in cookie.value for cookie in operator.cookies.values())


def test_that_a_key_was_made_is_in_the_audit_trail(shop: Shop, operator: Client):
    key = made(operator, shop)
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.action, event.object_type) == ("operator", "create", "api_key")
    assert event.object_name == key.split("_")[1]
    assert event.publisher_id == shop.id
    assert event.after == {
        "publisher": "shop",
        "name": "nightly job",
        "scopes": ["topics:read"],
    }


def test_a_key_ends_when_the_operator_says(shop: Shop, operator: Client):
    end = timezone.now() + timedelta(days=30)
    chosen = {"expires_at_0": f"{end:%Y-%m-%d}", "expires_at_1": "12:00:00"}
    key = made(operator, shop, **chosen)
    row = ApiKey.objects.get(prefix=key.split("_")[1])
    assert f"{row.expires_at:%Y-%m-%d %H:%M}" == f"{end:%Y-%m-%d} 12:00"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"expires_at_0": "2020-01-01", "expires_at_1": "12:00:00"}, "a time in the future"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["topics:all"]}, "topics:all is not one of the available choices"),
        ({"publisher": ""}, "This field is required"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    shop: Shop, operator: Client, changed: dict[str, object], said: str
):
    had = ApiKey.objects.count()
    answer = operator.post(reverse(ADD), typed(shop, **changed))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert ApiKey.objects.count() == had


def test_the_form_explains_each_scope_and_ticks_those_for_posting(shop: Shop, operator: Client):
    answer = operator.get(reverse(ADD), {"publisher": shop.id})
    page = answer.content.decode()
    assert all(escape(meaning) in page for meaning in MEANINGS.values())
    assert answer.context["adminform"].form["scopes"].value() == list(PUBLISHING)
    assert f'<option value="{shop.id}" selected>' in page


def test_a_link_to_the_form_ticks_no_scopes(shop: Shop, operator: Client):
    answer = operator.get(reverse(ADD), {"scopes": "directory:personal", "name": "nightly job"})
    form = answer.context["adminform"].form
    assert form["scopes"].value() == list(PUBLISHING)
    assert form["name"].value() == "nightly job"


@pytest.mark.parametrize("scope", ["directory:personal", "notifications:critical"])
def test_only_a_superuser_gives_a_key_what_no_role_may_do(
    shop: Shop, operator: Client, key_maker: Client, scope: str
):
    assert f'value="{scope}"' not in key_maker.get(reverse(ADD)).content.decode()
    assert f'value="{scope}"' in operator.get(reverse(ADD)).content.decode()
    answer = key_maker.post(reverse(ADD), typed(shop, scopes=["topics:read", scope]))
    assert f"{scope} is not one of the available choices" in answer.content.decode()
    assert not ApiKey.objects.filter(made_by="admin").exists()
    made(key_maker, shop)
    made(operator, shop, scopes=[scope])
    assert ApiKey.objects.latest("id").scopes == [scope]


def test_only_who_may_make_keys_does(shop: Shop, onlooker: Client, operator: Client):
    assert onlooker.get(reverse(ADD)).status_code == 403
    assert onlooker.post(reverse(ADD), typed(shop)).status_code == 403
    page = reverse("admin:publishers_publisher_change", args=[shop.id])
    assert "Make a key" in operator.get(page).content.decode()
    assert "Make a key" not in onlooker.get(page).content.decode()
