"""What ``manage.py doctor`` says of Redis."""

import shutil
from collections.abc import Iterator

import pytest
import redis

from apps.doctor.checks import redis as check
from apps.doctor.findings import Level
from stack.backends.redis import Redis
from stack.state_directory import kept
from stack.supervision import ports
from tests.integration.doctor.conftest import only
from tests.support.waiting import until


@pytest.fixture
def server(tmp_path, settings) -> Iterator[redis.Redis]:
    """A Redis of our own at ``REDIS_URL``, to be set up wrongly."""
    with kept(tmp_path / "state") as state, Redis(state) as running:
        settings.REDIS_URL = running.url
        with redis.Redis.from_url(running.url) as client:
            yield client


def test_nothing_is_said_of_a_redis_that_will_do(doctor, server):
    assert doctor("redis") == []


def test_a_redis_that_cannot_be_reached_is_an_error(doctor, settings):
    settings.REDIS_URL = f"redis://:secret@127.0.0.1:{ports.free()}/0"
    assert "secret" not in only(doctor("redis"), Level.ERROR, "cannot be reached").message


def test_a_wrong_password_is_an_error(doctor, server, settings):
    settings.REDIS_URL = settings.REDIS_URL.replace("redis://:", "redis://:not")
    only(doctor("redis"), Level.ERROR, "refuses the password")


def test_a_version_that_is_too_old_is_an_error(doctor, server, monkeypatch):
    monkeypatch.setattr(check, "OLDEST", (99, 0))
    only(doctor("redis"), Level.ERROR, "is too old")


def test_a_replica_is_an_error(doctor, server):
    server.replicaof("127.0.0.1", ports.free())
    only(doctor("redis"), Level.ERROR, "is a replica")


def test_a_node_of_a_cluster_is_an_error(doctor, settings, tmp_path):
    with kept(tmp_path / "state") as state:
        node = Redis(state)
        with (state.path("redis") / "redis.conf").open("a") as configuration:
            configuration.write("cluster-enabled yes\n")
        with node:
            settings.REDIS_URL = node.url
            found = doctor("redis")
    only(found, Level.ERROR, "Redis Cluster, which is not supported")


def test_a_redis_that_may_evict_is_a_warning_and_as_the_broker_an_error(doctor, server, settings):
    server.config_set("maxmemory", "100mb")
    server.config_set("maxmemory-policy", "allkeys-lru")
    assert "noeviction" in only(doctor("redis"), Level.WARNING, "may evict counts").remedy
    settings.AMQP_URL = settings.REDIS_URL
    only(doctor("redis"), Level.ERROR, "may evict doorbells")


def test_a_redis_that_is_nearly_full_is_a_warning(doctor, server):
    server.config_set("maxmemory", int(server.info("memory")["used_memory"] * 1.02))
    only(doctor("redis"), Level.WARNING, "of its maxmemory")


def test_a_redis_that_cannot_save_is_an_error(doctor, server, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    server.config_set("dir", str(gone))
    shutil.rmtree(gone)
    server.bgsave()
    until(lambda: server.info("persistence")["rdb_last_bgsave_status"] != "ok")
    found = only(doctor("redis"), Level.ERROR, "write to its disk")
    assert "nothing has to survive" in found.remedy


def test_a_redis_elsewhere_is_to_have_tls(doctor, server, monkeypatch):
    monkeypatch.setattr(check, "is_local", lambda host: False)
    assert "rediss://" in only(doctor("redis"), Level.WARNING, "no TLS").remedy
