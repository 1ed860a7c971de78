"""The OpenID provider ends sessions itself, by a token that it signs (back-channel log-out)."""

import time
from datetime import timedelta
from typing import Any

import pytest
from authlib.integrations.django_client import DjangoOAuth2App
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apps.operators import log_in_limits
from apps.operators.signin import discovery, provider
from apps.operators.signin.models import UsedLogOut
from apps.publishers.models import AuditEvent, LogInLimit
from tests.integration.operators.accounts.test_openid import _forget_documents, idp, logs_in
from tests.support.fakes import openid_provider
from tests.support.fakes.openid_provider import Provider

__all__ = ["_forget_documents", "idp"]  # fixtures

LOG_OUT = "/admin/oidc/log-out/"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def browser(idp: Provider, sid: str = "", subject: str = "s-1") -> Client:
    """A browser in which somebody logged in, in this session at the provider."""
    idp.sid, client = sid, Client()
    assert logs_in(subject, client=client).status_code == 302
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def order(token: str, client: Client | None = None) -> tuple[int, str]:
    """The answer to the provider: its status, and what is wrong."""
    client = client or Client(enforce_csrf_checks=True)
    answer = client.post(LOG_OUT, {"logout_token": token})
    assert "no-store" in answer.headers["Cache-Control"] or answer.status_code == 404
    if answer.status_code == 200:
        return 200, ""
    unavailable = answer.status_code == 503
    assert answer.json()["error"] == (
        "temporarily_unavailable" if unavailable else "invalid_request"
    )
    return answer.status_code, answer.json()["error_description"]


def test_who_is_logged_out_at_the_provider_is_logged_out_everywhere(idp: Provider):
    idp.people["s-2"] = {"preferred_username": "bob", "groups": ["runners"]}
    here, there, bobs = browser(idp, "one"), browser(idp, "two"), browser(idp, "3", "s-2")
    assert order(idp.log_out_token(sub="s-1")) == (200, "")
    assert [is_in(one) for one in (here, there, bobs)] == [False, False, True]
    event = AuditEvent.objects.latest("id")
    assert (event.actor_kind, event.actor, event.action) == ("provider", "oidc", "end_sessions")
    assert (event.object_name, event.after) == ("ada", {"sessions": 2})


@pytest.mark.parametrize("subject", [None, "s-1"])
def test_one_session_at_the_provider_is_one_here(idp: Provider, subject: str | None):
    here, there = browser(idp, "one"), browser(idp, "two")
    assert order(idp.log_out_token(sid="one", sub=subject)) == (200, "")
    assert [is_in(here), is_in(there)] == [False, True]


def test_a_session_of_which_the_provider_said_no_name_is_the_one_it_means(idp: Provider):
    unnamed, other = browser(idp), browser(idp, "two")
    assert order(idp.log_out_token(sid="one")) == (200, "")
    assert is_in(unnamed), "nobody says whose it is"
    assert order(idp.log_out_token(sid="one", sub="s-1")) == (200, "")
    assert [is_in(unnamed), is_in(other)] == [False, True]


def test_a_password_is_another_session(idp: Provider):
    theirs = User.objects.create_superuser("s-1", password="correct horse battery")
    client = Client()
    client.force_login(theirs)
    assert order(idp.log_out_token(sub="s-1")) == (200, "")
    assert is_in(client)


def test_a_token_is_used_once(idp: Provider):
    first, token = browser(idp), idp.log_out_token(sub="s-1")
    assert order(token) == (200, "")
    again = browser(idp)
    assert order(token) == (400, "it was used already")
    assert [is_in(first), is_in(again)] == [False, True]
    log_in_limits.purge()
    assert UsedLogOut.objects.count() == 1
    UsedLogOut.objects.update(until=timezone.now() - timedelta(seconds=1))
    log_in_limits.purge()
    assert not UsedLogOut.objects.exists()


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://elsewhere.example.com"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": None}, "aud"),
        ({"iat": None}, "iat"),
        ({"iat": int(time.time()) + 86_400}, "in the future"),
        ({"exp": None}, "exp"),
        ({"exp": int(time.time()) - 3_600}, "expired"),
        ({"exp": 1e300}, "expires too late"),
        ({"jti": None}, "jti"),
        ({"jti": 7}, "jti"),
        ({"events": None}, "events"),
        ({"events": {}}, "events"),
        ({"events": {EVENT: "yes"}}, EVENT),
        ({"events": [EVENT]}, EVENT),
        ({"nonce": "of a log-in"}, "nonce"),
        ({"sub": None}, "neither sub nor sid"),
        ({"sub": 7}, "sub"),
        ({"sub": "s\0"}, "its sub"),
        ({"sid": "s" * 256}, "its sid"),
    ],
)
def test_a_token_that_is_no_log_out_for_us_ends_nothing(
    idp: Provider, claims: dict[str, Any], why: str
):
    client, before = browser(idp), idp.discoveries
    status, said = order(idp.log_out_token(**{"sub": "s-1", **claims}))
    assert status == 400 and why in said
    assert is_in(client)
    assert not UsedLogOut.objects.exists()
    assert idp.discoveries == before and not _counted(), "it costs nothing"


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "missing"),
        ("x", "no signed JWT"),
        ("e30.e30.e30", "no signed JWT"),
        ("\0", "no signed JWT"),
        ("ä.ö.ü", "no signed JWT"),
        ("x" * 20_000, "too long"),
        ("eyJhbGciOiJub25lIn0.W10.", "no JSON object"),
        ("eyJhbGciOiJub25lIn0.e30.", "missing"),
    ],
)
def test_garbage_is_told_what_it_is(idp: Provider, token: str, why: str):
    status, said = order(token)
    assert status == 400 and why in said
    assert not _counted()


def _counted() -> list[LogInLimit]:
    """Failures that make somebody wait."""
    return list(LogInLimit.objects.filter(failures__gt=0))


def test_a_signature_of_another_key_ends_nothing(idp: Provider):
    client = browser(idp)
    idp.signs = openid_provider._key()
    assert order(idp.log_out_token(sub="s-1"))[0] == 400
    assert is_in(client)


@pytest.mark.parametrize("header", [{"kid": "unknown"}, {"alg": "ES384"}])
def test_a_key_or_algorithm_that_the_provider_does_not_name_ends_nothing(
    idp: Provider, header: dict[str, str]
):
    client = browser(idp)
    token = idp.log_out_token(sub="s-1")
    spoilt = openid_provider.with_header(token, **header)
    status, said = order(spoilt)
    assert status == 400 and "signature is not accepted" in said
    assert is_in(client)


def test_nothing_is_signed_without_an_algorithm(idp: Provider):
    client = browser(idp)
    header, _, rest = openid_provider.with_header(
        idp.log_out_token(sub="s-1"), alg="none"
    ).partition(".")
    status, _ = order(f"{header}.{rest.partition('.')[0]}.")
    assert status == 400
    assert is_in(client)


def test_what_has_a_wrong_signature_has_to_wait_and_log_ins_have_not(idp: Provider):
    idp.signs = openid_provider._key()
    free = log_in_limits.LOG_OUT.address.free
    statuses = [order(idp.log_out_token(sub="s-1"))[0] for _ in range(free + 1)]
    assert statuses == [400] * free + [429]
    idp.signs = None
    client = browser(idp)
    elsewhere = Client(REMOTE_ADDR="192.0.2.1")
    assert order(idp.log_out_token(sub="s-1"), elsewhere) == (200, "")
    assert not is_in(client)


def test_a_right_signature_ends_the_count_of_wrong_ones(idp: Provider):
    browser(idp)
    idp.signs = openid_provider._key()
    for _ in range(3):
        assert order(idp.log_out_token(sub="s-1"))[0] == 400
    assert [one.failures for one in _counted()] == [3]
    idp.signs = None
    assert order(idp.log_out_token(sub="s-1")) == (200, "")
    assert not _counted()


def test_the_provider_is_not_asked_for_its_keys_by_each_token(
    idp: Provider, monkeypatch: pytest.MonkeyPatch
):
    asked = []
    read = DjangoOAuth2App.fetch_jwk_set
    monkeypatch.setattr(DjangoOAuth2App, "fetch_jwk_set", lambda app: asked.append(1) or read(app))
    browser(idp)
    asked.clear()
    for kid in ("one", "two", "three"):
        spoilt = openid_provider.with_header(idp.log_out_token(sub="s-1"), kid=kid)
        assert order(spoilt)[0] == 400
    assert order(idp.log_out_token(sub="s-1")) == (200, "")
    assert len(asked) == 1


def test_a_new_key_of_the_provider_is_found(idp: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(discovery, "FAILED", 0.0)
    client = browser(idp)
    assert order(idp.log_out_token(sub="s-2")) == (200, "")
    idp.published = openid_provider._key()
    assert order(idp.log_out_token(sub="s-1")) == (200, "")
    assert not is_in(client)


def test_a_log_out_that_cannot_be_verified_now_can_be_sent_again(idp: Provider):
    client, token = browser(idp), idp.log_out_token(sub="s-1")
    idp.odd = {"jwks_uri": f"{idp.issuer}/nowhere"}
    provider._documents._known.clear()
    status, said = order(token)
    assert status == 503 and "cannot be read now" in said
    assert not _counted()
    idp.odd = {}
    provider._documents._known.clear()
    assert is_in(client)
    assert order(token) == (200, "")
    assert not is_in(client)


def test_only_a_post_logs_out_and_only_where_there_is_a_provider(idp: Provider, settings: Any):
    assert Client().get(LOG_OUT).status_code == 405
    settings.OIDC = idp.settings(issuer="")
    assert Client().post(LOG_OUT, {"logout_token": "x"}).status_code == 404
