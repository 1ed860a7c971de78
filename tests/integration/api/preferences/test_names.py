"""Names and ids are compared exactly: a malformed one is refused, not corrected."""

import os
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection

from apps.preferences.models import Recipient
from apps.publishers import services
from apps.publishers.models import AuditEvent
from apps.publishers.scopes import Scope
from apps.topics.models import Topic
from stack.supervision import ports
from stack.supervision.process import PATIENCE, Process
from tests.support.publishers.api_client import Api

#: Invalid user_ids, and a word of the sentence that refuses each.
NOT_A_USER_ID = {
    "ada ": "space",
    " ada": "space",
    "ada\u00a0": "printable",
    "ada\t": "printable",
    "ada\u200b": "printable",
    "\u202eada": "printable",
    "\ufeffada": "printable",
    "ada\u3164": "printable",
    "a\u034fda": "printable",
    "ada\ufe0f": "printable",
    "x" * 201: "200",
}
SAID = {"content": {"body": "Hello."}, "channels": ["inbox"]}


def _user_id_doors(user_id: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The path and body of every call that names a recipient in its body."""
    return {
        "/user_id": ("notifications", {"user_id": user_id, **SAID}),
        "/user_ids/1": ("notifications", {"user_ids": ["ada", user_id], **SAID}),
        "/user_ids/0": ("groups/staff/members", {"user_ids": [user_id]}),
        "": ("groups/staff/members/remove", {"user_ids": [user_id]}),
        "subscribing": ("topics/news/subscriptions", {"user_id": user_id, "channels": ["inbox"]}),
        "unsubscribing": ("topics/news/unsubscribe", {"user_id": user_id}),
    }


@pytest.fixture
def ada(api: Api) -> Api:
    api.put("recipients/ada", {}, 201)
    api.put("groups/staff", {}, 201)
    api.post("topics", {"name": "news"}, 201)
    return api


@pytest.mark.parametrize("user_id", NOT_A_USER_ID, ids=ascii)
def test_nobody_is_reached_by_what_is_no_user_id(ada: Api, user_id: str):
    word = NOT_A_USER_ID[user_id]
    for path, body in _user_id_doors(user_id).values():
        assert word in ada.post(path, body, 400)["detail"], path
    batch = ada.post("notifications/batch", {"notifications": [{"user_id": user_id, **SAID}]}, 202)
    assert batch["results"][0]["problem"]["errors"][0]["pointer"].endswith("/user_id")
    for below in ("", "/devices", "/contacts", "/preferences"):
        path = f"recipients/{quote(user_id, safe='')}{below}"
        assert word in ada.get(path, 400)["detail"]
    assert Recipient.objects.count() == 1


@pytest.mark.parametrize("user_id", ["100%", "50%25", "M%FCller", "a?b#c", "a;b=c&d", "a\\b", "Ü"])
def test_a_user_id_comes_back_as_it_was_given(ada: Api, user_id: str):
    path = f"recipients/{quote(user_id, safe='')}"
    assert ada.put(path, {}, 201)["user_id"] == user_id
    assert ada.get(path)["user_id"] == user_id
    ada.post("notifications", {"user_id": user_id, **SAID}, 202)


@pytest.mark.parametrize("path", ["recipients/M%FCller", "recipients/a%C3", "recipients/%ED%A0%80"])
def test_a_path_that_is_no_utf_8_makes_nobody(api: Api, path: str):
    assert "UTF-8" in api.put(path, {}, 400)["detail"]
    assert "UTF-8" in api.get(path, 400)["detail"]
    assert not Recipient.objects.exists()


def test_a_query_that_is_no_utf_8_is_refused(api: Api):
    problem = api.call("get", "dead-letters?topic=%FC", status=400)
    assert "UTF-8" in problem["detail"]


def test_an_encoded_slash_does_not_part_a_path(ada: Api):
    assert "%2F" in ada.get("recipients/ada%2fdevices", 400)["detail"]
    assert ada.call("get", "suppressions?channel=email&address=a%2Fb@example.com")["data"] == []


@pytest.fixture
def gunicorn(transactional_db: None, tmp_path: Path) -> Iterator[HTTPConnection]:
    """The API behind the server it has in production, on this test's database."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(
        path=f"/{connection.settings_dict['NAME']}"
    )
    port = ports.free()
    arguments = [sys.executable, "-m", "gunicorn", "config.wsgi", "--no-control-socket"]
    arguments += ["--bind", f"{ports.HOST}:{port}"]
    env = {**os.environ, "DATABASE_URL": database.geturl()}
    with Process("gunicorn", arguments, env=env, output=tmp_path / "gunicorn.log") as server:
        http = HTTPConnection(ports.HOST, port, timeout=PATIENCE)
        server.wait_until(lambda: _listens(http), 60)
        yield http
        http.close()


def _listens(http: HTTPConnection) -> bool:
    try:
        http.connect()
    except OSError:
        return False
    return True


def test_the_server_in_production_passes_the_url_on_as_it_came(gunicorn: HTTPConnection):
    publisher = services.create_publisher("shop")
    _, key = services.create_key(publisher.pk, list(Scope))
    answers = {}
    for name in ("M%FCller", "ada%2Fdevices", "M%C3%BCller", "M%25FCller"):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        gunicorn.request("PUT", f"/v1/recipients/{name}", "{}", headers)
        answer = gunicorn.getresponse()
        answers[name] = (answer.status, answer.read().decode())
    assert answers["M%FCller"][0] == 400
    assert "UTF-8" in answers["M%FCller"][1]
    assert answers["ada%2Fdevices"][0] == 400
    assert answers["M%C3%BCller"][0] == answers["M%25FCller"][0] == 201
    assert set(Recipient.objects.values_list("user_id", flat=True)) == {"Müller", "M%FCller"}


def test_an_id_in_capitals_is_the_same_id(ada: Api):
    posted = ada.post("notifications", {"user_id": "ada", **SAID}, 202)
    capitals = posted["id"].upper()
    assert capitals != posted["id"]
    assert ada.get(f"notifications/{capitals}")["id"] == posted["id"]
    assert ada.get(f"notifications/{capitals}/deliveries")["data"] == []
    assert ada.post(f"notifications/{capitals}/cancel", None)["id"] == posted["id"]


def test_a_keys_prefix_in_capitals_is_the_same_key(api: Api):
    made = api.post("api-keys", {"name": "second", "scopes": ["topics:read"]}, 201)
    rotated = api.post(f"api-keys/{made['prefix'].upper()}/rotate", {}, 201)
    api.delete(f"api-keys/{rotated['prefix'].upper()}")
    event = AuditEvent.objects.filter(object_type="api_key").latest("id")
    assert event.object_name == rotated["prefix"]


@pytest.mark.parametrize("name", ["-a", "a b", "a/b", "grün", "a\u200b", "x" * 201], ids=ascii)
def test_topics_templates_and_groups_have_one_rule_for_names(api: Api, name: str):
    contents = {
        "default_locale": "en",
        "contents": [{"channel": "sms", "locale": "en", "body": "x"}],
    }
    said = {
        api.post("topics", {"name": name}, 400)["errors"][0]["detail"],
        api.post("templates", {"name": name, **contents}, 400)["errors"][0]["detail"],
    }
    if "/" not in name:
        said.add(api.put(f"groups/{quote(name)}", {}, 400)["errors"][0]["detail"])
    assert len(said) == 1


@pytest.mark.parametrize("key", ["collapse_key", "ordering_key"])
@pytest.mark.parametrize("value", ["a ", " a", "a\u00a0", "a\nb", "a\u200b", "a\uffa0"], ids=ascii)
def test_a_key_is_not_mended(ada: Api, key: str, value: str):
    body = {"user_id": "ada", **SAID, key: value}
    assert ada.post("notifications", body, 400)["errors"][0]["pointer"] == f"/{key}"


def test_names_in_a_body_are_not_mended(ada: Api):
    preference = {"preferences": [{"topic": "news ", "allowed": False}]}
    assert "/topic" in ada.put("recipients/ada/preferences", preference, 400)["detail"]
    preference = {"preferences": [{"category": "sport ", "allowed": False}]}
    assert "/category" in ada.put("recipients/ada/preferences", preference, 400)["detail"]
    assert "/name" in ada.post("topics", {"name": "news2 "}, 400)["detail"]
    assert "/category" in ada.post("topics", {"name": "news3", "category": " sport"}, 400)["detail"]
    assert "/time_zone" in ada.put("recipients/ada", {"time_zone": "Europe/Vienna "}, 400)["detail"]
    assert "/locale" in ada.put("recipients/ada", {"locale": "de "}, 400)["detail"]
    channel = {"user_id": "ada", "channels": ["inbox "]}
    assert "channel" in ada.post("topics/news/subscriptions", channel, 400)["detail"]
    template = {"user_id": "ada", "template": {"name": "hello "}}
    assert "/template/name" in ada.post("notifications", template, 400)["detail"]


def test_text_for_people_is_kept_verbatim(ada: Api):
    made = ada.post("topics", {"name": "offers", "display_name": "  Our offers "}, 201)
    assert made["display_name"] == "  Our offers "
    assert Topic.objects.get(name="offers").display_name == "  Our offers "


def test_text_of_spaces_alone_is_still_none(ada: Api):
    blank = {"user_id": "ada", "content": {"title": "  "}}
    assert "/content/title" in ada.post("notifications", blank, 400)["detail"]
