"""Values of ``DATABASE_URL`` and ``REDIS_URL``, accepted and refused."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import database, env

WHOLE = "postgres://shop:p%40ss@db.example.com:6432/notifier"


def default(url):
    return database.settings(url, 5, 5.0)["default"]


def test_a_url_is_taken_apart():
    found = default(WHOLE)
    names = ("HOST", "PORT", "USER", "PASSWORD", "NAME")
    assert [found[name] for name in names] == [
        *("db.example.com", "6432", "shop", "p@ss", "notifier")
    ]


def test_several_hosts_are_asked_for_the_primary():
    found = default("postgres://shop@p1:5432,p2:5433/notifier")
    assert (found["HOST"], found["PORT"]) == ("p1,p2", "5432,5433")
    assert found["OPTIONS"]["target_session_attrs"] == "read-write"


def test_parameters_of_the_url_are_passed_on_and_win():
    options = default(f"{WHOLE}?sslmode=verify-full&connect_timeout=2")["OPTIONS"]
    assert (options["sslmode"], options["connect_timeout"]) == ("verify-full", "2")


def test_options_of_the_url_stand_beside_the_limits():
    options = default(f"{WHOLE}?options=-c%20search_path%3Dnotifier")["OPTIONS"]["options"]
    assert "-c statement_timeout=60000" in options
    assert options.endswith("-c search_path=notifier")


def test_a_silent_peer_is_given_up_after_fifteen_seconds():
    options = default(WHOLE)["OPTIONS"]
    wanted = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    assert {**options, **wanted, "tcp_user_timeout": 15_000} == options


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres://shop@db/notifier?foo=1", 'invalid URI query parameter: "foo"'),
        ("postgres://shop@db:54x/notifier", "a port that is none: '54x'"),
        ("postgres://shop@p1:5432,p2:0/notifier", "a port that is none: '0'"),
        ("postgres://shop@db", "names no database"),
        ("postgres://shop@p1,p2/notifier?target_session_attrs=any", "needs read-write or primary"),
        ("postgres://shop@db/notifier?target_session_attrs=standby", "needs read-write or primary"),
    ],
)
def test_what_cannot_be_right_is_refused_with_a_sentence(url, sentence):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refused:
        default(url)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("url", ["postgres://shop:se%zzcret@db/x", "postgres://shop:secret@[::1/x"])
def test_a_refusal_does_not_show_the_password(url):
    with pytest.raises(ImproperlyConfigured) as refused:
        default(url)
    assert "cret" not in str(refused.value)


def test_what_must_not_wait_has_connections_of_its_own():
    found = database.settings(WHOLE, 5, 2.0)
    assert found["reserved"]["POOL_OPTIONS"]["POOL_SIZE"] == database.RESERVED
    assert found["reserved"]["OPTIONS"] == found["default"]["OPTIONS"]


@pytest.mark.parametrize("name", ["REDIS_URL", "AMQP_URL"])
def test_sentinel_is_refused_with_what_to_do(name, monkeypatch):
    monkeypatch.setenv(name, "sentinel://:secret@s1:26379/0")
    with pytest.raises(ImproperlyConfigured, match="a proxy that follows it") as refused:
        if name == "REDIS_URL":
            env.redis(name, "", "")
        else:
            env.server(name, "", "", ("amqp",), env.NO_SENTINEL)
    assert "secret" not in str(refused.value)


def test_a_redis_url_that_the_client_cannot_read_is_refused(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:secret@host:63x/0")
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL must be the URL of one server"):
        env.redis("REDIS_URL", "", "")
