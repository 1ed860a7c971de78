"""`manage.py create_publisher` makes publishers and keys."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.publishers.models import ApiKey, Publisher
from tests.support.publishers.api_client import Api
from tests.support.publishers.api_keys import with_key


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
