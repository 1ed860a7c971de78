"""When certificates end: those in files, and those that servers show."""

import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.alerts import certificates
from apps.alerts.conditions import upkeep
from stack import debian
from stack.backends.pgbouncer import PgBouncer
from stack.state_directory import fresh
from stack.supervision import ports, unprivileged
from stack.supervision.process import PATIENCE, ROOT
from tests.support.fakes.certificates import joined, make
from tests.support.programs import need

DAY = 86_400
#: Django warns whoever changes where the database is; nothing here asks it.
another_database = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")


@pytest.fixture(autouse=True)
def _no_files(settings) -> None:
    settings.PROVIDERS = {}
    settings.BROKER_CA_FILE = ""
    settings.PUBLIC_URL = "http://127.0.0.1:8000"


def days() -> dict[str, int]:
    """Return the whole days until each certificate ends."""
    return {one.name: round(one.seconds / DAY) for one in certificates.read()}


@contextmanager
def tls_server(pem: Path) -> Iterator[int]:
    """A server that shows this certificate to whoever connects."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server((ports.HOST, 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                with plain:
                    try:
                        context.wrap_socket(plain, server_side=True).close()
                    except OSError:
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_files_of_settings_are_read(settings, tmp_path):
    settings.PROVIDERS = {
        "apns": {
            "class": "notifier.providers.apns.APNs",
            "channel": "push",
            "options": {"cert_file": str(joined(tmp_path, "apns", days=9))},
        }
    }
    settings.BROKER_CA_FILE = str(make(tmp_path, "authority", days=700)[0])
    assert days() == {"apns cert_file": 9, "NOTIFIER_BROKER_CA_FILE": 700}


@another_database
def test_authorities_of_the_urls_are_read(settings, tmp_path):
    database, redis = (make(tmp_path, name, days=n)[0] for name, n in (("pg", 40), ("redis", 50)))
    options = settings.DATABASES["default"]["OPTIONS"] | {"sslrootcert": str(database)}
    settings.DATABASES = {"default": settings.DATABASES["default"] | {"OPTIONS": options}}
    settings.REDIS_URL = f"redis://127.0.0.1:6379/0?ssl_ca_certs={redis}"
    assert days() == {"DATABASE_URL sslrootcert": 40, "REDIS_URL ssl_ca_certs": 50}


def test_an_old_authority_beside_its_successor_is_no_matter(settings, tmp_path):
    old, new = (make(tmp_path, name, days=n)[0] for name, n in (("old", -5), ("new", 500)))
    both = tmp_path / "both.pem"
    both.write_bytes(old.read_bytes() + new.read_bytes())
    settings.BROKER_CA_FILE = str(both)
    assert days() == {"NOTIFIER_BROKER_CA_FILE": 500}


@pytest.mark.parametrize("left", [-3, 20])
def test_servers_show_theirs_also_when_it_has_ended(settings, tmp_path, left):
    with tls_server(joined(tmp_path, "localhost", days=left)) as port:
        settings.PUBLIC_URL = f"https://localhost:{port}"
        settings.REDIS_URL = f"rediss://localhost:{port}/0"
        settings.AMQP_URL = f"amqps://me:me@localhost:{port}//"
        assert days() == {
            f"NOTIFIER_PUBLIC_URL localhost:{port}": left,
            f"broker localhost:{port}": left,
            f"redis localhost:{port}": left,
        }


def test_a_server_that_is_away_or_says_nothing_is_left_out(settings, monkeypatch):
    monkeypatch.setattr(certificates, "PATIENCE", 0.5)
    with socket.create_server((ports.HOST, 0)) as silent:
        settings.REDIS_URL = f"rediss://{ports.HOST}:{silent.getsockname()[1]}/0"
        settings.PUBLIC_URL = f"https://{ports.HOST}:{ports.free()}"
        assert days() == {}


def test_a_process_ends_while_a_server_says_nothing():
    """A worker has some seconds to end, whatever it reads."""
    script = (
        "import django; django.setup(); from apps.alerts import certificates;"
        "certificates.PATIENCE = 10_000.0; certificates.known(0.1)"
    )
    with socket.create_server((ports.HOST, 0)) as silent:
        url = f"rediss://{ports.HOST}:{silent.getsockname()[1]}/0"
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": url},
            check=True,
            timeout=PATIENCE,
        )


@another_database
def test_a_server_of_postgresqls_protocol_shows_its_certificate(settings):
    """PgBouncer: the embedded PostgreSQL is built without TLS."""
    need(debian.PGBOUNCER)
    with fresh("certificates") as state:
        pem, key = make(state.path("certificates"), "localhost", days=77)
        for path in (pem, key):
            unprivileged.give(path)
        tls = f"client_tls_sslmode = require\nclient_tls_key_file = {key}\n"
        tls += f"client_tls_cert_file = {pem}"
        with PgBouncer(state, os.environ["DATABASE_URL"], settings=tls) as pooler:
            of_database = settings.DATABASES["default"]
            options = of_database["OPTIONS"] | {"sslmode": "require"}
            here = {"HOST": ports.HOST, "PORT": str(pooler.port), "OPTIONS": options}
            settings.DATABASES = {"default": of_database | here}
            assert days() == {f"database {ports.HOST}:{pooler.port}": 77}


def test_a_mail_server_shows_its_certificate_after_starttls(settings, sandbox):
    smtp = sandbox.config["smtp"]
    settings.PROVIDERS = {
        "smtp": {
            "class": "notifier.providers.smtp.SMTP",
            "channel": "email",
            "options": {"host": smtp["host"], "port": smtp["port"], "tls": "starttls"},
        }
    }
    [name] = days()
    assert name == f"smtp {smtp['host']}:{smtp['port']}"


@pytest.mark.django_db
def test_the_metric_and_the_alert_say_what_ends(client, settings, tmp_path):
    settings.BROKER_CA_FILE = str(make(tmp_path, "soon", days=13)[0])
    text = client.get("/metrics").content.decode()
    found = {
        sample.labels["name"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "notifier_certificate_expires_seconds"
    }
    assert found.keys() == {"NOTIFIER_BROKER_CA_FILE"}
    assert 12 * DAY < found["NOTIFIER_BROKER_CA_FILE"] <= 13 * DAY
    [finding] = upkeep.certificate_ends()
    assert finding.about == "NOTIFIER_BROKER_CA_FILE"
    # A part of a second decides which.
    assert re.match("It ends in (12 d 23 h|13 d): ", finding.detail)


@pytest.mark.django_db
@pytest.mark.parametrize(("left", "says"), [(15, ""), (13, "It ends in"), (-1, "It has ended")])
def test_two_weeks_before_its_end_a_certificate_is_an_alert(settings, tmp_path, left, says):
    settings.BROKER_CA_FILE = str(make(tmp_path, "one", days=left)[0])
    assert "".join(finding.detail for finding in upkeep.certificate_ends()).startswith(says)
    assert bool(list(upkeep.certificate_ends())) == bool(says)


@pytest.mark.django_db
def test_a_server_that_is_away_ends_no_alert_of_its_certificate(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(certificates, "FRESH_SECONDS", -1.0)
    with tls_server(joined(tmp_path, "localhost", days=5)) as port:
        settings.REDIS_URL = f"rediss://localhost:{port}/0"
        [finding] = upkeep.certificate_ends()
    assert list(upkeep.certificate_ends()) == [finding]
    certificates.forget()  # as in a process that takes over
    [unknown] = upkeep.certificate_ends()
    assert unknown.about == finding.about and not unknown.known


@pytest.mark.django_db
def test_a_file_that_no_library_reads_leaves_the_others(settings, monkeypatch, tmp_path):
    def breaks(path: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(certificates, "_first", breaks)
    settings.PROVIDERS = {"apns": {"class": "a.APNs", "options": {"cert_file": "apns.pem"}}}
    settings.BROKER_CA_FILE = str(make(tmp_path, "authority", days=7)[0])
    assert days() == {"NOTIFIER_BROKER_CA_FILE": 7}
