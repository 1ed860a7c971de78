"""Operators see their sessions and end them; whatever changes an operator ends theirs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from apps.operators import log_in_limits
from apps.operators.signin.models import OperatorSession
from apps.publishers.models import AuditEvent
from tests.integration.operators.accounts.test_log_in import PASSWORD

PAGE = "/admin/sessions/"


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada(transactional_db: None, _quick_hashes: None) -> User:
    return User.objects.create_superuser("ada", password=PASSWORD)


@pytest.fixture
def bob(transactional_db: None, _quick_hashes: None) -> User:
    return User.objects.create_user("bob", password=PASSWORD, is_staff=True)


def browser(name: str, agent: str = "Firefox", address: str = "192.0.2.1") -> Client:
    """A browser in which somebody logged in."""
    client = Client(REMOTE_ADDR=address, headers={"user-agent": agent})
    body = {"username": name, "password": PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", body).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def ended() -> list[tuple[str, str, int]]:
    rows = AuditEvent.objects.filter(action="end_sessions").order_by("id")
    return [(row.actor, row.object_name, row.after["sessions"]) for row in rows]


def test_the_page_lists_ones_own_sessions_and_shows_no_key(ada: User, bob: User):
    here, there = browser("ada"), browser("ada", "Konqueror on a phone", "198.51.100.7")
    browser("bob", "of somebody else")
    page = here.get(PAGE).content.decode()
    assert "Firefox" in page and "this one" in page
    assert "Konqueror on a phone" in page and "198.51.100.7" in page
    assert "of somebody else" not in page
    for key in OperatorSession.objects.values_list("session_key", flat=True):
        assert key not in page
    assert is_in(there)


def test_a_session_of_no_known_address_is_named_without_one(ada: User):
    here, _ = browser("ada"), browser("ada")
    OperatorSession.objects.update(address=None)
    page = here.get(PAGE).content.decode()
    assert "End the session seen " in page and "None" not in page


def test_one_session_is_ended_or_all_others(ada: User):
    here, there, elsewhere = browser("ada"), browser("ada"), browser("ada", "Links")
    [name] = re.findall(r'value="([0-9a-f]{32})"[^>]+', _row(here.get(PAGE), "Links"))
    here.post(PAGE, {"session": name})
    assert not is_in(elsewhere) and is_in(there) and is_in(here)
    here.post(PAGE)
    assert not is_in(there) and is_in(here)
    assert ended() == [("ada", "ada", 1), ("ada", "ada", 1)]


def test_nobody_ends_anothers_session_there(ada: User, bob: User):
    theirs, mine = browser("ada"), browser("bob")
    page = theirs.get(PAGE).content.decode() + browser("ada").get(PAGE).content.decode()
    for name in re.findall(r'name="session" value="([0-9a-f]{32})"', page):
        mine.post(PAGE, {"session": name})
    assert is_in(theirs) and ended() == []


def test_who_may_change_operators_ends_anybodys_sessions(ada: User, bob: User):
    theirs, mine = browser("bob", "Lynx"), browser("ada")
    page = mine.get(f"/admin/auth/user/{bob.pk}/change/").content.decode()
    assert "Lynx" in page and "End all sessions" in page
    mine.post(f"/admin/auth/user/{bob.pk}/do/end_sessions/")
    assert not is_in(theirs) and is_in(mine)
    assert ended() == [("ada", "bob", 1)]


def test_who_may_only_see_operators_ends_none(ada: User, bob: User):
    bob.user_permissions.add(Permission.objects.get(codename="view_user"))
    theirs, mine = browser("ada"), browser("bob")
    assert "End all sessions" not in mine.get(f"/admin/auth/user/{ada.pk}/change/").content.decode()
    mine.post(f"/admin/auth/user/{ada.pk}/do/end_sessions/")
    assert is_in(theirs)


@pytest.mark.parametrize(
    "changed", ["is_active", "is_staff", "is_superuser", "password", "group", "cleared", "member"]
)
def test_what_changes_an_operator_ends_their_sessions(ada: User, bob: User, changed: str):
    role = Group.objects.create(name="a role")
    if changed == "cleared":
        bob.groups.add(role)
    theirs, others = browser("bob"), browser("ada")
    match changed:
        case "group":
            bob.groups.add(role)
        case "cleared":
            bob.groups.clear()
        case "member":
            role.user_set.add(bob)
        case "password":
            bob.set_password("a very new one 7")
            bob.save()
        case field:
            setattr(bob, field, not getattr(bob, field))
            bob.save()
    assert not OperatorSession.objects.filter(user=bob).exists()
    assert not is_in(theirs) and is_in(others)
    assert ended() == [("manage.py", "bob", 1)]


def test_what_changes_nothing_ends_nothing(ada: User, bob: User):
    theirs = browser("bob")
    bob.email = "bob@example.com"
    bob.save()
    bob.groups.set([])
    assert is_in(theirs)


def test_the_session_in_which_a_password_is_changed_goes_on(ada: User):
    here, there = browser("ada"), browser("ada")
    new = {"new_password1": "a very new one 7", "new_password2": "a very new one 7"}
    assert (
        here.post("/admin/password_change/", {"old_password": PASSWORD, **new}).status_code == 302
    )
    assert is_in(here) and not is_in(there)
    assert OperatorSession.objects.filter(user=ada).count() == 1


def test_an_operator_who_is_deleted_leaves_no_session(ada: User, bob: User):
    theirs = browser("bob")
    bob.delete()
    assert not is_in(theirs)


def test_sessions_that_are_over_are_dropped(ada: User):
    over, going_on = browser("ada", "Lynx"), browser("ada")
    past = timezone.now() - timedelta(seconds=1)
    OperatorSession.objects.filter(browser="Lynx").update(expire_date=past)
    assert "Lynx" not in going_on.get(PAGE).content.decode()
    log_in_limits.purge()
    assert OperatorSession.objects.count() == 1
    assert not is_in(over) and is_in(going_on)


def _row(answer: Any, words: str) -> str:
    rows = re.findall(r"<tr>.*?</tr>", answer.content.decode(), re.DOTALL)
    [found] = [row for row in rows if words in row]
    return str(found)
