"""Operators give a code of an authenticator app beside their password, once they set one up."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from apps.core import clock
from apps.operators.signin import second_factor
from apps.operators.signin.models import OperatorSession, RecoveryCode, SecondFactor
from apps.publishers.models import AuditEvent, LogInLimit
from notifier.security import totp
from tests.integration.operators.accounts.test_log_in import PASSWORD, later, log_ins, tries

PAGE, CODE = "/admin/second-factor/", "/admin/log-in/code/"


@dataclass
class Time:
    """The clock of all processes, which a test puts forward."""

    seconds: float = 0.0

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    moving, real = Time(), clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + moving.seconds)
    return moving


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada(transactional_db: None, _quick_hashes: None, time: Time) -> User:
    return User.objects.create_superuser("ada", password=PASSWORD)


def code(user: User, drift: int = 0) -> str:
    """What the operator's app shows now, or so many steps later."""
    row = SecondFactor.objects.get(user=user)
    secret = second_factor.keyring().decrypt(bytes(row.secret), second_factor.context(user.pk))
    return totp.code_at(secret, int(clock.now() // totp.STEP) + drift)


def begins(client: Client) -> None:
    answer = client.post(PAGE, {"action": "begin", "proof": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()


def shown(client: Client) -> str | None:
    """The secret that the page shows."""
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', client.get(PAGE).content.decode())
    return found[1] if found else None


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def enrols(client: Client, user: User) -> list[str]:
    """Set it up on the page; return the recovery codes."""
    begins(client)
    page = client.get(PAGE).content.decode()
    assert "<svg" in page and 'id="secret"' in page
    answer = client.post(PAGE, {"action": "confirm", "code": code(user)})
    assert answer.headers["Cache-Control"].count("no-store") == 1
    return re.findall(r'<li class="n-address">([a-z2-7-]+)</li>', answer.content.decode())


@pytest.fixture
def enrolled(ada: User, time: Time) -> list[str]:
    """Ada has it, and a minute has passed; her recovery codes."""
    client = Client()
    client.force_login(ada)
    codes = enrols(client, ada)
    time.pass_by(60)
    return codes


def half() -> Client:
    """A browser in which the password was right."""
    client = Client()
    body = {"username": "ada", "password": PASSWORD, "next": "/admin/topics/topic/"}
    answer = client.post("/admin/login/", body)
    assert (answer.status_code, answer.headers["Location"]) == (302, CODE)
    return client


def events() -> list[tuple[str, Any]]:
    rows = AuditEvent.objects.filter(object_type="user").order_by("id")
    return [(row.action, row.after) for row in rows]


def test_after_the_password_a_code_is_asked_for(ada: User, enrolled: list[str]):
    accepted, refused = log_ins("accepted"), log_ins("refused")
    client = half()
    assert client.get("/admin/").status_code == 302, "half a log-in opens nothing"
    assert client.get(PAGE).headers["Location"] == CODE, "nor lets anybody set up another"
    assert client.post(CODE, {"code": "000000"}).status_code == 200
    answer = client.post(CODE, {"code": code(ada)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/topics/topic/")
    assert client.get("/admin/").status_code == 200
    assert events()[-2:] == [("log_in_failed", {"by": "code"}), ("log_in", {"by": "code"})]
    assert log_ins("accepted") - accepted == 1
    assert log_ins("refused") - refused == 1


def test_the_secret_is_shown_until_it_is_confirmed_and_encrypted_at_rest(ada: User):
    client = Client()
    client.force_login(ada)
    begins(client)
    row = SecondFactor.objects.get(user=ada)
    secret = second_factor.keyring().decrypt(bytes(row.secret), second_factor.context(ada.pk))
    assert totp.text_of(secret) == shown(client)
    assert secret not in bytes(row.secret)
    wrong = client.post(PAGE, {"action": "confirm", "code": "000000"})
    assert "not the present code" in wrong.content.decode()
    assert tries(password=PASSWORD).headers["Location"] == "/admin/", "it does not count yet"
    assert (
        "n-address" in client.post(PAGE, {"action": "confirm", "code": code(ada)}).content.decode()
    )
    assert 'id="secret"' not in client.get(PAGE).content.decode()


def test_a_secret_is_shown_and_confirmed_only_where_it_was_begun(ada: User, settings: Any):
    settings.SECOND_FACTOR_REQUIRED = True
    thief, victim = Client(), Client()
    for client in (thief, victim):
        client.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    begins(thief)
    noted = code(ada)
    assert shown(thief) is not None and shown(victim) is None
    confirmed = victim.post(PAGE, {"action": "confirm", "code": noted})
    assert "not the present code" in confirmed.content.decode()
    begins(victim)
    assert shown(thief) is None and shown(victim) is not None
    thief.post(PAGE, {"action": "confirm", "code": code(ada)})
    assert not second_factor.is_set(ada)
    victim.post(PAGE, {"action": "confirm", "code": code(ada)})
    assert second_factor.is_set(ada) and is_in(victim) and not is_in(thief)


def test_a_secret_waits_for_ten_minutes_and_no_longer_than_the_password(ada: User, time: Time):
    client = logged_in(ada)
    begins(client)
    time.pass_by(601)
    assert shown(client) is None
    client.post(PAGE, {"action": "confirm", "code": code(ada)})
    assert not second_factor.is_set(ada)
    begins(client)
    new = {"new_password1": "a very new one 7", "new_password2": "a very new one 7"}
    client.post("/admin/password_change/", {"old_password": PASSWORD, **new})
    assert is_in(client) and shown(client) is None
    assert not SecondFactor.objects.exists()


def test_setting_it_up_in_an_open_session_takes_the_password(ada: User):
    client = logged_in(ada)
    guesses = [client.post(PAGE, {"action": "begin", "proof": "guess"}) for _ in range(6)]
    assert [answer.status_code for answer in guesses] == [200] * 5 + [429]
    assert "That is not your password." in guesses[0].content.decode()
    assert not SecondFactor.objects.exists()
    later(10)
    begins(client)
    assert shown(client) is not None


def test_setting_it_up_and_removing_it_end_the_other_sessions(ada: User, time: Time):
    here, there = logged_in(ada), logged_in(ada)
    enrols(here, ada)
    assert is_in(here) and not is_in(there)
    there = logged_in(ada)
    here.post(PAGE, {"action": "remove", "proof": PASSWORD})
    assert is_in(here) and not is_in(there)
    assert [action for action, _ in events()] == [
        "enable_second_factor",
        "end_sessions",
        "disable_second_factor",
        "end_sessions",
    ]


def test_a_code_is_used_once(ada: User, enrolled: list[str], time: Time):
    used = code(ada)
    assert half().post(CODE, {"code": used}).status_code == 302
    again = half()
    assert again.post(CODE, {"code": used}).status_code == 200
    assert again.get("/admin/").status_code == 302
    time.pass_by(totp.STEP)
    assert half().post(CODE, {"code": code(ada)}).status_code == 302


def test_the_code_that_set_it_up_does_not_log_in(ada: User):
    client = Client()
    client.force_login(ada)
    enrols(client, ada)
    assert half().post(CODE, {"code": code(ada)}).status_code == 200


def test_a_recovery_code_is_used_once_and_kept_as_a_hash(ada: User, enrolled: list[str]):
    assert len(set(enrolled)) == second_factor.RECOVERY_CODES
    kept = list(RecoveryCode.objects.values_list("digest", flat=True))
    assert not any(one in digest for one in enrolled for digest in kept)
    typed = enrolled[3].upper().replace("-", " ")
    client = half()
    assert client.post(CODE, {"code": typed}).status_code == 302
    assert "9 are left" in client.get("/admin/").content.decode()
    assert events()[-1] == ("log_in", {"by": "recovery_code"})
    assert half().post(CODE, {"code": enrolled[3]}).status_code == 200


def test_a_recovery_code_is_nobody_elses(ada: User, enrolled: list[str]):
    bob = User.objects.create_superuser("bob", password=PASSWORD)
    second_factor.begin(bob)
    SecondFactor.objects.filter(user=bob).update(confirmed_at=clock.moment())
    assert second_factor.accept(bob, enrolled[0]) is None


def test_codes_that_are_wrong_too_often_have_to_wait_whatever_the_password(
    ada: User, enrolled: list[str]
):
    paused = log_ins("paused")
    for number in range(5):
        assert half().post(CODE, {"code": f"{number:06}"}).status_code == 200
    answer = half().post(CODE, {"code": code(ada)})
    assert answer.status_code == 429, "the right password takes no failed code back"
    assert 0 < int(answer.headers["Retry-After"]) <= 10
    assert log_ins("paused") - paused == 1
    later(10)
    assert half().post(CODE, {"code": code(ada)}).status_code == 302


def test_no_name_at_the_log_in_counts_as_a_failed_code(ada: User, enrolled: list[str]):
    for _ in range(6):
        tries("second factor\nada")
    assert LogInLimit.objects.filter(failures__gt=0).count() == 0
    assert half().post(CODE, {"code": code(ada)}).status_code == 302


def test_half_a_log_in_is_recorded_in_another_session(ada: User, enrolled: list[str]):
    client = Client()
    planted = client.session
    planted["x"] = 1
    planted.save()
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert client.cookies["sessionid"].value != planted.session_key
    assert not OperatorSession.objects.filter(pk=planted.session_key).exists()
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.object_name) == ("log_in_half", "ada")


def test_a_wrong_code_is_tied_to_its_field(ada: User, enrolled: list[str]):
    page = half().post(CODE, {"code": "000000"}).content.decode()
    [field] = re.findall(r"<input[^>]*id_code[^>]*>", page)
    assert 'aria-invalid="true"' in field and 'aria-describedby="error"' in field
    assert 'id="error"' in page


def test_half_a_log_in_is_over_after_ten_minutes_and_with_the_password(
    ada: User, enrolled: list[str], time: Time
):
    client = half()
    time.pass_by(601)
    assert client.post(CODE, {"code": code(ada)}).headers["Location"] == "/admin/login/"
    client = half()
    ada.set_password("another battery")
    ada.save()
    assert client.post(CODE, {"code": code(ada)}).headers["Location"] == "/admin/login/"
    assert Client().get(CODE).headers["Location"] == "/admin/login/"


def test_removing_it_takes_a_code_or_the_password(ada: User, enrolled: list[str], time: Time):
    client = Client()
    client.force_login(ada)
    wrong = client.post(PAGE, {"action": "remove", "proof": "guess"})
    assert "neither a code nor your password" in wrong.content.decode()
    assert second_factor.is_set(ada)
    client.post(PAGE, {"action": "remove", "proof": PASSWORD})
    assert not second_factor.is_set(ada) and not RecoveryCode.objects.exists()
    assert "disable_second_factor" in dict(events())
    enrols(client, ada)
    time.pass_by(60)
    client.post(PAGE, {"action": "remove", "proof": code(ada)})
    assert not second_factor.is_set(ada)


def test_guesses_at_an_unattended_session_have_to_wait(ada: User, enrolled: list[str]):
    client = Client()
    client.force_login(ada)
    answers = [client.post(PAGE, {"action": "remove", "proof": "guess"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert client.post(PAGE, {"action": "remove", "proof": PASSWORD}).status_code == 429


def test_new_recovery_codes_end_the_old_ones(ada: User, enrolled: list[str]):
    client = Client()
    client.force_login(ada)
    answer = client.post(PAGE, {"action": "renew", "proof": PASSWORD})
    assert answer.content.decode().count("<li class=") == second_factor.RECOVERY_CODES
    assert half().post(CODE, {"code": enrolled[0]}).status_code == 200
    assert ("renew_recovery_codes", None) in events()


def test_where_it_is_required_it_is_set_up_at_the_next_log_in(ada: User, settings: Any):
    settings.SECOND_FACTOR_REQUIRED = True
    client = Client()
    body = {"username": "ada", "password": PASSWORD, "next": "/admin/topics/topic/"}
    assert client.post("/admin/login/", body).headers["Location"] == PAGE
    assert client.get("/admin/").status_code == 302
    assert "A second factor is needed here" in client.get(PAGE).content.decode()
    codes = enrols(client, ada)
    assert len(codes) == second_factor.RECOVERY_CODES
    assert client.get("/admin/").status_code == 200
    actions = [action for action, _ in events()]
    assert actions[-2:] == ["log_in", "enable_second_factor"]


def test_half_a_log_in_neither_removes_nor_renews(ada: User, settings: Any):
    settings.SECOND_FACTOR_REQUIRED = True
    client = Client()
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})
    begins(client)
    for action in ("remove", "renew"):
        client.post(PAGE, {"action": action, "proof": PASSWORD})
    assert SecondFactor.objects.filter(user=ada).exists()
    assert not RecoveryCode.objects.exists()


def test_who_logs_in_at_the_provider_has_none_here(ada: User):
    eve = User.objects.create_superuser("eve")
    client = Client()
    client.force_login(eve)
    page = client.post(PAGE, {"action": "begin"}).content.decode()
    assert "asks for a second factor or does not" in page
    assert not SecondFactor.objects.exists()


def test_a_superuser_resets_anothers(ada: User, enrolled: list[str]):
    root = User.objects.create_superuser("root")
    client = Client()
    client.force_login(root)
    theirs = logged_in(ada)
    button = f"/admin/auth/user/{ada.pk}/do/reset_second_factor/"
    assert (
        "Reset the second factor"
        in client.get(f"/admin/auth/user/{ada.pk}/change/").content.decode()
    )
    assert client.post(button).status_code == 302
    assert not second_factor.is_set(ada)
    assert is_in(client) and not is_in(theirs)
    assert [action for action, _ in events()[-2:]] == ["reset_second_factor", "end_sessions"]
    assert tries(password=PASSWORD).headers["Location"] == "/admin/"


def test_nobody_else_resets_anothers(ada: User, enrolled: list[str]):
    helper = User.objects.create_user("helper", is_staff=True)
    client = Client()
    client.force_login(helper)
    assert client.post(f"/admin/auth/user/{ada.pk}/do/reset_second_factor/").status_code == 403
    assert second_factor.is_set(ada)


def test_the_command_resets_it_where_nobody_can_log_in(ada: User, enrolled: list[str]):
    theirs = logged_in(ada)
    call_command("reset_second_factor", "ada")
    assert not second_factor.is_set(ada) and not is_in(theirs)
    made = AuditEvent.objects.filter(actor="manage.py").order_by("id")
    assert [event.action for event in made] == ["reset_second_factor", "end_sessions"]
