"""Operators log in at the company's OpenID provider: who they are and what they may is its word."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, User
from django.core.management.sql import emit_post_migrate_signal
from django.test import Client
from prometheus_client import REGISTRY

from apps.operators.signin import discovery
from apps.operators.signin import provider as relying_party
from apps.operators.signin.models import OperatorSession
from apps.publishers.models import AuditEvent
from tests.support.fakes import openid_provider
from tests.support.fakes.openid_provider import Provider

BEGIN = "/admin/oidc/"


@pytest.fixture
def idp(transactional_db: None, settings: Any) -> Iterator[Provider]:
    callback = f"{django_settings.PUBLIC_URL.rstrip('/')}/admin/oidc/callback/"
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")  # makes the roles
    with openid_provider.serving(callback) as found:
        found.people["s-1"] = {"preferred_username": "ada", "groups": ["staff", "helpdesk"]}
        settings.OIDC = found.settings()
        yield found


def sent(client: Client, subject: str = "s-1", onward: str = "") -> str:
    """The path and query with which the provider sends somebody back who began here."""
    answer = client.get(BEGIN, {"next": onward} if onward else {})
    assert answer.status_code == 302, answer.content
    decided = requests.post(
        answer.headers["Location"], {"sub": subject}, allow_redirects=False, timeout=10
    )
    assert decided.status_code == 302, decided.text
    back = urlsplit(decided.headers["Location"])
    return f"{back.path}?{back.query}"


def logs_in(subject: str = "s-1", onward: str = "", client: Client | None = None) -> Any:
    client = client or Client()
    return client.get(sent(client, subject, onward))


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("notifier_log_ins_total", {"outcome": outcome}) or 0.0


def last_event() -> tuple[str, str, Any]:
    event = AuditEvent.objects.latest("id")
    return event.action, event.object_name, event.after


def roles_of(username: str) -> set[str]:
    user = User.objects.get(username=username)
    held = set(user.groups.values_list("name", flat=True))
    return held | ({"superuser"} if user.is_superuser else set())


def test_the_first_log_in_makes_an_account_with_the_roles_of_the_claim(idp: Provider):
    client, accepted = Client(), counted("accepted")
    answer = logs_in(client=client)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200
    user = User.objects.get(username="ada")
    assert user.is_staff and not user.has_usable_password()
    assert roles_of("ada") == {"support"}
    assert last_event() == ("log_in", "ada", {"by": "oidc"})
    made = AuditEvent.objects.filter(object_type="user").order_by("id").values_list("action")
    assert [action for (action,) in made] == ["create", "update", "log_in"]
    assert counted("accepted") - accepted == 1


def test_the_request_carries_pkce_state_and_nonce(idp: Provider):
    asked = parse_qs(urlsplit(Client().get(BEGIN).headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert asked["state"][0] and asked["nonce"][0]
    assert asked["scope"] == ["openid profile email"]


def test_roles_are_read_at_every_log_in_and_go_with_the_claim(idp: Provider):
    logs_in()
    own = Group.objects.create(name="of our own")
    User.objects.get(username="ada").groups.add(own)
    idp.people["s-1"]["groups"] = ["admins", "runners"]
    assert logs_in().status_code == 302
    assert roles_of("ada") == {"superuser", "operator", "of our own"}
    del idp.people["s-1"]["groups"]
    answer = logs_in()
    assert answer.status_code == 403
    assert "You have no role here" in answer.content.decode()
    assert roles_of("ada") == {"of our own"}
    assert last_event() == ("log_in_failed", "ada", {"by": "oidc", "why": "no_role"})


def test_a_stranger_without_a_role_gets_no_account(idp: Provider):
    idp.people["s-2"] = {"preferred_username": "eve", "groups": "staff"}
    client, refused = Client(), counted("refused")
    assert logs_in("s-2", client=client).status_code == 403
    assert client.get("/admin/").status_code == 302
    assert not User.objects.filter(username="eve").exists()
    assert last_event() == ("log_in_failed", "", {"by": "oidc", "why": "no_role"})
    assert counted("refused") - refused == 1


def test_an_account_that_was_there_is_nobodys(idp: Provider):
    theirs = User.objects.create_superuser("ada", "ada@example.com", "correct horse battery")
    idp.people["s-1"] |= {"email": "ada@example.com", "email_verified": True}
    assert logs_in().status_code == 302
    theirs.refresh_from_db()
    assert theirs.is_superuser and theirs.has_usable_password()
    assert roles_of("ada-2") == {"support"}


def test_a_new_name_is_the_same_account_and_an_old_name_another_one(idp: Provider):
    logs_in()
    idp.people["s-1"]["preferred_username"] = "countess"
    idp.people["s-2"] = {"preferred_username": "ada", "groups": ["helpdesk"]}
    assert logs_in("s-1").status_code == logs_in("s-2").status_code == 302
    assert set(User.objects.values_list("username", flat=True)) == {"ada", "ada-2"}


@pytest.mark.parametrize("lost", ["role", "account"])
def test_who_may_not_log_in_any_more_is_logged_out_everywhere(idp: Provider, lost: str):
    here, there = Client(), Client()
    for client in (here, there):
        logs_in(client=client)
        assert client.get("/admin/").status_code == 200
    if lost == "role":
        del idp.people["s-1"]["groups"]
    else:  # at once and past what ends sessions, as in a statement of SQL
        User.objects.update(is_active=False)
    assert logs_in(client=here).status_code == 403
    User.objects.update(is_active=True)
    assert here.get("/admin/").status_code == there.get("/admin/").status_code == 302
    assert not OperatorSession.objects.exclude(user=None).exists()


def test_only_a_verified_address_is_taken(idp: Provider):
    for claims, kept in (
        ({"email": "eve@example.com"}, ""),
        ({"email": "ada@example.com", "email_verified": True}, "ada@example.com"),
        ({"email": "eve@example.com", "email_verified": False}, "ada@example.com"),
        ({"email": "eve@example.com"}, "ada@example.com"),
    ):
        idp.people["s-1"] = {"groups": ["helpdesk"], "preferred_username": "ada", **claims}
        assert logs_in().status_code == 302
        assert User.objects.get(username="ada").email == kept


@pytest.mark.parametrize(
    ("wanted", "given"), [("ａｄａ", "ada"), ("аdа", "s-1"), ("a d\na", "ada"), ("!", "operator")]
)
def test_a_name_looks_like_no_other(idp: Provider, wanted: str, given: str):
    idp.people["s-1"]["preferred_username"] = wanted
    assert logs_in().status_code == 302
    assert User.objects.get().username == given


@pytest.mark.parametrize("subject", ["", "s" * 256, "s\0", 7])
def test_a_subject_that_is_none_is_refused(idp: Provider, subject: Any):
    idp.spoilt = {"sub": subject}
    assert logs_in().status_code == 502
    assert not User.objects.exists()


def test_a_password_on_an_account_of_the_provider_opens_nothing(idp: Provider):
    client = Client()
    logs_in(client=client)
    ada, root = User.objects.get(username="ada"), Client()
    ada.set_password("correct horse battery")
    ada.save()
    body = {"username": "ada", "password": "correct horse battery", "next": "/admin/"}
    assert Client().post("/admin/login/", body).status_code == 200
    assert last_event() == ("log_in_failed", "ada", None)
    logs_in(client=client)
    assert client.get("/admin/password_change/").headers["Location"] == "/admin/"
    assert "password_change" not in client.get("/admin/sessions/").content.decode()
    assert "asks for a second factor" in client.get("/admin/second-factor/").content.decode()
    root.force_login(User.objects.create_superuser("root"))
    theirs = f"/admin/auth/user/{ada.pk}"
    assert "../password/" not in root.get(f"{theirs}/change/").content.decode()
    new = {"password1": "a very new one 7", "password2": "a very new one 7"}
    assert root.post(f"{theirs}/password/", new).status_code == 403


def test_who_is_disabled_here_stays_out(idp: Provider):
    logs_in()
    User.objects.update(is_active=False)
    answer = logs_in()
    assert answer.status_code == 403
    assert "Your account is disabled" in answer.content.decode()
    assert last_event() == ("log_in_failed", "ada", {"by": "oidc", "why": "inactive"})


def test_roles_are_found_within_another_claim_and_in_the_user_info(idp: Provider, settings: Any):
    settings.OIDC = idp.settings(claim="realm_access.roles")
    verified = {"email": "ada@example.com", "email_verified": True}
    idp.people["s-1"] = {"realm_access": {"roles": ["runners"]}, **verified}
    idp.only_in_user_info = {"realm_access"}
    assert logs_in().status_code == 302
    assert roles_of("ada@example.com") == {"operator"}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200},
        {"aud": "another-client"},
        {"aud": "another-client", "azp": "notifier"},
        {"iss": "https://elsewhere.example.com"},
        {"nonce": "of another log-in"},
        {"nonce": None},
    ],
    ids=["expired", "another's", "another's by us", "another issuer", "replayed", "no nonce"],
)
def test_an_id_token_that_is_not_for_this_log_in_is_refused(idp: Provider, spoilt: dict[str, Any]):
    idp.spoilt = spoilt
    client, failed = Client(), counted("failed")
    answer = logs_in(client=client)
    assert answer.status_code == 502
    assert "answer is not accepted" in answer.content.decode()
    assert client.get("/admin/").status_code == 302
    assert not User.objects.exists()
    assert last_event() == ("log_in_failed", "", {"by": "oidc", "why": "untrusted"})
    assert counted("failed") - failed == 1


def test_a_signature_of_another_key_is_refused(idp: Provider):
    idp.signs = openid_provider._key()
    assert logs_in().status_code == 502
    assert not User.objects.exists()


def test_an_answer_is_used_once_and_by_the_browser_that_began(idp: Provider):
    client = Client()
    back = sent(client)
    assert Client().get(back).status_code == 400, "another browser's"
    assert client.get(back).status_code == 302
    answer = client.get(back)
    assert answer.status_code == 400
    assert "This log-in is over" in answer.content.decode()


def test_who_is_denied_at_the_provider_is_told_so(idp: Provider):
    answer = logs_in("deny")
    assert answer.status_code == 403
    assert "The provider refused the log-in" in answer.content.decode()
    assert last_event() == ("log_in_failed", "", {"by": "oidc", "why": "denied"})


def test_a_provider_that_does_not_answer_is_named(idp: Provider, settings: Any):
    settings.OIDC = idp.settings(issuer="http://127.0.0.1:9")
    answer = Client().get(BEGIN)
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()


def test_a_document_of_another_issuer_is_refused(idp: Provider, settings: Any):
    settings.OIDC = idp.settings(issuer=f"{idp.issuer}/")
    assert Client().get(BEGIN).status_code == 502


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/admin/topics/topic/", "/admin/topics/topic/"),
        ("https://evil.example.com/", "/admin/"),
        ("//evil.example.com/", "/admin/"),
        ("/\\evil.example.com/", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
    ],
)
def test_nobody_is_sent_to_another_host(idp: Provider, wanted: str, reached: str):
    assert logs_in(onward=wanted).headers["Location"] == reached


def test_logging_out_ends_the_session(idp: Provider):
    client = Client()
    logs_in(client=client)
    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/").status_code == 302
    assert last_event()[:2] == ("log_out", "ada")


def test_the_log_in_page_offers_the_provider_beside_the_password(idp: Provider):
    page = Client().get("/admin/login/?next=/admin/topics/topic/").content.decode()
    assert 'href="/admin/oidc/?next=%2Fadmin%2Ftopics%2Ftopic%2F"' in page
    assert "Log in with Acme" in page and 'name="password"' in page


def test_where_the_provider_is_required_no_password_gets_in(idp: Provider, settings: Any):
    settings.PASSWORD_LOG_IN = False
    User.objects.create_superuser("root", password="correct horse battery")
    client = Client()
    assert 'name="password"' not in client.get("/admin/login/").content.decode()
    body = {"username": "root", "password": "correct horse battery", "next": "/admin/"}
    assert client.post("/admin/login/", body).status_code == 200
    assert client.get("/admin/").status_code == 302
    assert logs_in().status_code == 302


def test_without_a_provider_there_is_no_such_page(db: None):
    assert Client().get(BEGIN).status_code == 404
    assert "oidc" not in Client().get("/admin/login/").content.decode()


@pytest.fixture(autouse=True)
def _forget_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relying_party, "_documents", discovery.Documents())
    monkeypatch.setattr(relying_party, "_keys", discovery.Keys())
