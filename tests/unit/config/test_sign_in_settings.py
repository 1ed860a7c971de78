"""Settings of the operators' log-in that cannot be meant are refused with a sentence."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.operators import sign_in

RIGHT = {
    "NOTIFIER_OIDC_ISSUER": "https://login.example.com",
    "NOTIFIER_OIDC_CLIENT_ID": "notifier",
    "NOTIFIER_OIDC_ROLES": "cn=admins=superuser, helpdesk=support",
}


@pytest.fixture(autouse=True)
def _no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "SETTINGS", [])


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    """Set the right settings, but for these."""

    def give(**values: str) -> None:
        for name, value in {**RIGHT, **values}.items():
            monkeypatch.setenv(name, value)

    return give


def test_values_and_roles_are_told_apart_by_the_last_sign(given):
    given()
    assert sign_in.oidc()["roles"] == {"cn=admins": "superuser", "helpdesk": "support"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NOTIFIER_OIDC_ISSUER", "http://login.example.com", "must be an https:// URL"),
        ("NOTIFIER_OIDC_CLIENT_ID", "", "needs NOTIFIER_OIDC_CLIENT_ID"),
        ("NOTIFIER_OIDC_ROLES", "", "without a role nobody gets in"),
        ("NOTIFIER_OIDC_ROLES", "helpdesk=helper", "with one of support, operator"),
        ("NOTIFIER_OIDC_ROLES", "helpdesk", "such as helpdesk=support"),
        ("NOTIFIER_OIDC_SCOPES", "profile", "has no openid"),
    ],
)
def test_what_lets_nobody_in_is_refused(given, name: str, value: str, said: str):
    given(**{name: value})
    with pytest.raises(ImproperlyConfigured, match=said):
        sign_in.oidc()


def test_a_provider_on_this_machine_needs_no_tls(given):
    given(NOTIFIER_OIDC_ISSUER="http://127.0.0.1:9400")
    assert sign_in.oidc()["issuer"] == "http://127.0.0.1:9400"


def test_passwords_are_needed_where_there_is_no_provider(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOTIFIER_PASSWORD_LOG_IN", "0")
    assert sign_in.passwords("https://login.example.com") is False
    with pytest.raises(ImproperlyConfigured, match="nobody can log in"):
        sign_in.passwords("")
