"""The log-in at the provider stands up to other sites, to idle beginnings and to odd providers."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from apps.core import clock
from apps.operators import log_in_limits
from apps.operators.signin import discovery
from apps.publishers.models import AuditEvent, LogInLimit
from tests.integration.operators.accounts.test_openid import (
    BEGIN,
    _forget_documents,
    counted,
    idp,
    logs_in,
    sent,
)
from tests.support.fakes.openid_provider import Provider
from tests.support.waiting import until

__all__ = ["_forget_documents", "idp"]  # fixtures

CALLBACK = "/admin/oidc/callback/"


def password_works() -> bool:
    User.objects.create_superuser("root", password="correct horse battery")
    body = {"username": "root", "password": "correct horse battery", "next": "/admin/"}
    return Client().post("/admin/login/", body).status_code == 302


def test_answers_that_nobody_awaits_cost_an_office_nothing(idp: Provider):
    failed = counted("failed")
    codes = [Client().get(CALLBACK, {"state": str(one)}).status_code for one in range(35)]
    assert codes == [400] * 35
    assert counted("failed") - failed == 35
    assert not LogInLimit.objects.exists() and not AuditEvent.objects.exists()
    assert password_works() and logs_in().status_code == 302


def test_answers_that_are_not_accepted_have_to_wait_in_a_count_of_their_own(idp: Provider):
    idp.spoilt = {"aud": "another-client"}
    assert [logs_in().status_code for _ in range(31)] == [502] * 30 + [429]
    assert AuditEvent.objects.filter(action="log_in_failed").count() == 30
    assert password_works()


def test_beginning_is_limited_by_address_and_recorded_nowhere(idp: Provider, settings: Any):
    settings.OIDC = idp.settings(issuer="http://127.0.0.1:9")
    free = log_in_limits.BEGINNINGS.free
    codes = [Client().get(BEGIN).status_code for _ in range(free + 2)]
    assert codes == [503] * free + [429] * 2
    elsewhere = Client(REMOTE_ADDR="192.0.2.1")
    assert elsewhere.get(BEGIN).status_code == 503
    assert not AuditEvent.objects.exists()
    assert password_works()


def test_a_log_in_that_succeeds_forgets_the_beginnings_of_an_office(idp: Provider):
    for _ in range(log_in_limits.BEGINNINGS.free - 1):
        Client().get(BEGIN)
    assert logs_in().status_code == logs_in().status_code == 302


@pytest.mark.parametrize("what", ["image", "iframe", "script"])
def test_no_picture_or_frame_of_another_site_begins_a_log_in(idp: Provider, what: str):
    assert Client().get(BEGIN, headers={"Sec-Fetch-Dest": what}).status_code == 404
    assert not LogInLimit.objects.exists()
    assert Client().get(BEGIN, headers={"Sec-Fetch-Dest": "document"}).status_code == 302


def test_five_log_ins_may_be_under_way_in_a_browser(idp: Provider):
    client = Client()
    back = [sent(client) for _ in range(7)]
    assert client.get(back[1]).status_code == 400
    assert client.get(back[2]).status_code == 302


def test_a_log_in_that_began_more_than_an_hour_ago_is_over(
    idp: Provider, monkeypatch: pytest.MonkeyPatch
):
    client, real = Client(), clock.now
    back = sent(client)
    monkeypatch.setattr(clock, "now", lambda: real() + 3601)
    assert client.get(back).status_code == 400


def test_a_provider_that_does_not_answer_is_not_asked_again_at_once(idp: Provider):
    idp.is_away = True
    assert [Client().get(BEGIN).status_code for _ in range(5)] == [503] * 5
    assert idp.discoveries == 1


def test_what_the_provider_said_before_is_used_while_it_is_away(
    idp: Provider, monkeypatch: pytest.MonkeyPatch
):
    assert Client().get(BEGIN).status_code == 302
    monkeypatch.setattr(discovery, "FRESH", 0.0)
    idp.is_away = True
    assert [Client().get(BEGIN).status_code for _ in range(5)] == [302] * 5
    assert idp.discoveries == 2


def test_one_thread_alone_waits_for_a_slow_provider(idp: Provider):
    idp.answers.clear()
    answers: list[int] = []

    def one() -> None:
        try:
            answers.append(Client().get(BEGIN).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(answers) >= 7)
    idp.answers.set()
    for thread in threads:
        thread.join()
    assert answers.count(503) >= 7
    assert idp.discoveries == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"id_token_signing_alg_values_supported": 5},
        {"token_endpoint_auth_methods_supported": {"basic": 1}},
        {"jwks_uri": None},
        {"jwks_uri": "http://keys.example.com/"},
        {"token_endpoint": "http://login.example.com/token"},
        {"userinfo_endpoint": "ftp://login.example.com/me"},
        {"authorization_endpoint": ["https://login.example.com/"]},
    ],
    ids=str,
)
def test_a_document_that_cannot_be_trusted_is_refused(idp: Provider, odd: dict[str, Any]):
    idp.odd = odd
    answer = Client().get(BEGIN)
    assert answer.status_code == 502
    assert "answer is not accepted" in answer.content.decode()
