"""Operators' log-in: limited by account and address, in the audit trail and the metrics."""

import threading
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY

from apps.operators import log_in_limits
from apps.operators.sessions import BEGAN
from apps.operators.signin.models import OperatorSession
from apps.publishers.models import AuditEvent, LogInLimit

PASSWORD = "correct horse battery"
LOG_IN = "/admin/login/"


@pytest.fixture(autouse=True)
def _quick_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada(transactional_db: None, _quick_hashes: None) -> User:
    return User.objects.create_superuser("ada", password=PASSWORD)


def tries(
    name: str = "ada", password: str = "wrong", address: str = "192.0.2.1", **headers: str
) -> Any:
    body = {"username": name, "password": password, "next": "/admin/"}
    return Client().post(LOG_IN, body, REMOTE_ADDR=address, headers=headers)


def right(address: str = "192.0.2.1") -> bool:
    return tries(password=PASSWORD, address=address).status_code == 302


def later(seconds: float) -> None:
    """Pretend that so much time had passed."""
    for row in LogInLimit.objects.all():
        row.at -= timedelta(seconds=seconds)
        row.until -= timedelta(seconds=seconds)
        if row.succeeded_at:
            row.succeeded_at -= timedelta(seconds=seconds)
        row.save()


def log_ins(outcome: str) -> float:
    return REGISTRY.get_sample_value("notifier_log_ins_total", {"outcome": outcome}) or 0.0


def events() -> list[tuple[str, str, str, str | None]]:
    rows = AuditEvent.objects.filter(object_type="user").order_by("id")
    return [(row.actor, row.action, row.object_name, row.remote_address) for row in rows]


def test_the_right_password_after_thirty_wrong_ones_has_to_wait(ada: User):
    refused, paused = log_ins("refused"), log_ins("paused")
    answers = [tries() for _ in range(30)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 25
    answer = tries(password=PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 10
    assert "This was tried too often. Wait" in answer.content.decode()
    assert log_ins("refused") - refused == 5
    assert log_ins("paused") - paused == 26
    assert events() == [("", "log_in_failed", "ada", "192.0.2.1")] * 5
    later(10)
    assert right()
    assert events()[-1] == ("ada", "log_in", "ada", "192.0.2.1")


def test_each_further_failure_doubles_the_pause_and_a_success_forgets_them(ada: User):
    pauses = []
    for _ in range(5):
        tries()
    for _ in range(9):
        pauses.append(int(tries().headers["Retry-After"]))
        later(pauses[-1])
        tries()
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 900, 900]
    later(900)
    assert right()
    assert [tries().status_code for _ in range(5)] == [200] * 5


def test_many_at_once_find_no_more_room_than_one_after_the_other(ada: User):
    answers: list[int] = []

    def one() -> None:
        try:
            answers.append(tries().status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 5 + [429] * 11


def test_nobody_locks_an_operator_out_by_failing_in_their_name(ada: User):
    assert right("198.51.100.7")
    for number in range(log_in_limits.ACCOUNT.free + 10):
        tries(address=f"203.0.113.{number % 250}")
    assert tries(address="203.0.113.251").status_code == 429, "from anywhere new it has to wait"
    assert right("198.51.100.7"), "where the operator logged in before, it does not"
    later(log_in_limits.ACCOUNT.longest)
    assert right("203.0.113.252")


def test_one_address_that_goes_through_many_accounts_has_to_wait(ada: User):
    codes = [tries(f"name-{number}").status_code for number in range(40)]
    assert codes == [200] * 30 + [429] * 10
    assert tries(password=PASSWORD).status_code == 429
    assert right("192.0.2.2")


def test_upper_and_lower_case_are_one_account(ada: User):
    codes = [tries(name).status_code for name in ("ada", "Ada", "ADA", "aDa", "adA", "AdA")]
    assert codes == [200] * 5 + [429]


def test_only_a_trusted_proxy_says_who_the_client_is(ada: User, settings):
    codes = [tries(**{"X-Forwarded-For": f"203.0.113.{number}"}).status_code for number in range(6)]
    assert codes[-1] == 429, "a header that anybody may write makes nobody another client"
    settings.TRUSTED_PROXIES = [ip_network("192.0.2.0/24")]
    answer = tries(password=PASSWORD, **{"X-Forwarded-For": "203.0.113.99"})
    assert answer.status_code == 302
    assert events()[-1] == ("ada", "log_in", "ada", "203.0.113.99")


def test_what_was_typed_for_a_name_is_kept_nowhere_unless_it_is_one(ada: User):
    tries("my-secret-passphrase")
    assert events() == [("", "log_in_failed", "", "192.0.2.1")]
    assert not LogInLimit.objects.filter(key__contains="passphrase").exists()


def test_somebody_who_may_not_log_in_is_refused_and_recorded(ada: User):
    User.objects.filter(pk=ada.pk).update(is_staff=False)
    assert tries(password=PASSWORD).status_code == 200
    assert events() == [("", "log_in_failed", "ada", "192.0.2.1")]


def test_log_out_and_a_new_password_are_in_the_audit_trail(ada: User):
    client = Client()
    client.force_login(ada)
    new = {"new_password1": "a very new one 7", "new_password2": "a very new one 7"}
    wrong = [
        client.post("/admin/password_change/", {"old_password": "guess", **new}) for _ in range(7)
    ]
    assert [answer.status_code for answer in wrong] == [200] * 5 + [302] * 2
    client.post("/admin/password_change/", {"old_password": PASSWORD, **new})
    assert events() == [], "the pause is not over"
    later(10)
    client.post("/admin/password_change/", {"old_password": PASSWORD, **new})
    client.post("/admin/logout/")
    assert [event[:3] for event in events()] == [
        ("ada", "change_password", "ada"),
        ("ada", "log_out", "ada"),
    ]


def test_an_operator_who_sets_anothers_password_is_recorded(ada: User):
    bob = User.objects.create_user("bob", password="x")
    client = Client()
    client.force_login(ada)
    body = {"password1": "a very new one 7", "password2": "a very new one 7"}
    answer = client.post(f"/admin/auth/user/{bob.pk}/password/", body)
    assert answer.status_code == 302
    assert events()[-1][:3] == ("ada", "update", "bob")
    assert "new one" not in str(AuditEvent.objects.latest("id").after)


def test_a_session_ends_when_it_is_idle_and_in_any_case(ada: User, settings):
    client = Client()
    client.force_login(ada)
    answer = client.get("/admin/")
    assert answer.status_code == 200
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["max-age"] == settings.SESSION_COOKIE_AGE == 3600
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    session = client.session
    session[BEGAN] -= settings.SESSION_LONGEST - 60
    session.save()
    assert client.get("/admin/").status_code == 200
    session[BEGAN] -= 61
    session.save()
    answer = client.get("/admin/")
    assert answer.status_code == 302 and LOG_IN in answer.headers["Location"]
    assert client.get("/admin/").status_code == 302


def test_a_page_that_loads_itself_anew_does_not_prolong_the_session(ada: User, settings):
    client = Client()
    client.force_login(ada)
    assert settings.SESSION_COOKIE_NAME in client.get("/admin/").cookies
    by_itself = client.get("/admin/", headers={"X-Unattended": "1"})
    assert by_itself.status_code == 200
    assert settings.SESSION_COOKIE_NAME not in by_itself.cookies


@pytest.mark.parametrize("path", ["/healthz", "/v1/openapi.json", "/v1/topics", "/admin/login/"])
def test_a_cookie_that_is_nobodys_writes_no_session(db: None, path: str):
    client = Client()
    client.cookies["sessionid"] = "a" * 32
    client.get(path)
    assert not OperatorSession.objects.exists()


def test_where_no_page_is_no_session_is_read(db: None, django_assert_num_queries: Any):
    client = Client()
    client.cookies["sessionid"] = "a" * 32
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_old_failures_are_dropped(ada: User):
    tries()
    right("192.0.2.2")
    LogInLimit.objects.update(at=timezone.now() - timedelta(days=2))
    log_in_limits.purge()
    assert LogInLimit.objects.count() == 1, "where somebody logged in is remembered"
    LogInLimit.objects.update(at=timezone.now() - timedelta(days=31))
    assert log_in_limits.purge() == 1
