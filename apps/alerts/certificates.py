"""The certificates that the service depends on, and when each ends.

Those in files that settings name, and those that servers show when somebody connects. Keys without
a certificate (APNs' ``.p8``, FCM's service account) have no end.
"""

import logging
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from django.conf import settings
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.core import clock

log = logging.getLogger(__name__)

#: Seconds to wait for a server: for the connection, and for each answer.
PATIENCE = 3.0
#: Seconds for which a process uses what it read: certificates last for weeks.
FRESH_SECONDS = 3600.0
#: Seconds that a scrape, and a round of alerts, waits for it.
WAIT_SECONDS = 5.0
#: Seconds for reading all of them.
DEADLINE = 30.0
#: Connections at once.
AT_ONCE = 8
#: PostgreSQL's request for TLS: the length, and a code in place of a version.
_SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
#: Values of ``sslmode`` without which a connection may go on in clear.
_REQUIRED = ("require", "verify-ca", "verify-full")


class Certificate(NamedTuple):
    """A certificate's end. ``name``: the setting with its file, or the server that shows it."""

    name: str
    ends: datetime

    @property
    def seconds(self) -> float:
        """Seconds until it ends; negative once it has."""
        return self.ends.timestamp() - clock.now()


def read(*, outside: bool = True) -> list[Certificate]:
    """Read every file, and ask every server that answers, which takes some seconds at most.

    ``outside``: whether to ask servers that are not this service's own, too: providers, and
    whatever answers at the public URL.

    What cannot be read or reached is left out: a file that is missing keeps a process from
    starting, and servers that are away have alerts of their own.
    """
    return _certificates(_read(outside=outside))


def _read(*, outside: bool = True) -> dict[str, datetime | None]:
    """Read when each source's ends; ``None`` where that cannot be read now.

    In threads of which none is waited for at the end: resolving a name cannot be interrupted.
    """
    sources = dict([*_files(), *_servers(), *(_outside() if outside else ())])
    waiting: SimpleQueue[_Source] = SimpleQueue()
    answers: SimpleQueue[tuple[str, datetime | None]] = SimpleQueue()
    for source in sources.items():
        waiting.put(source)

    def ask() -> None:
        with suppress(Empty):
            while True:
                name, end_of = waiting.get_nowait()
                answers.put((name, _quietly(name, end_of)))

    for _ in range(min(AT_ONCE, len(sources))):
        threading.Thread(target=ask, name="certificate", daemon=True).start()
    found: dict[str, datetime | None] = dict.fromkeys(sources)
    deadline = time.monotonic() + DEADLINE
    with suppress(Empty):
        for _ in sources:
            name, ends = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            found[name] = ends
    return found


def _certificates(found: Mapping[str, datetime | None]) -> list[Certificate]:
    return [Certificate(name, ends) for name, ends in sorted(found.items()) if ends is not None]


class Known(NamedTuple):
    """Certificates that were read. ``unread``: sources that it could not read yet."""

    certificates: list[Certificate]
    unread: list[str]


def known(timeout: float | None = None) -> Known | None:
    """Return what was read within the hour by this process, or else read it.

    What cannot be read now is known from before. ``timeout``: seconds after which what was read
    before is returned, ``None`` if nothing was. A host name that nobody resolves takes long.
    """
    if _is_old():
        reading = threading.Thread(target=_renew, name="certificates", daemon=True)
        reading.start()
        reading.join(timeout)
    found = _kept.found
    if found is None:
        return None
    return Known(_certificates(found), sorted(name for name, ends in found.items() if ends is None))


def forget() -> None:
    """Read them anew when asked next."""
    _kept.at, _kept.found = float("-inf"), None


class Certificates(Collector):
    """Gauge of the seconds until each certificate ends."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "notifier_certificate_expires_seconds",
            "Seconds until a certificate ends, by the setting or the server that has it.",
            labels=["name"],
        )
        found = known(WAIT_SECONDS)
        for one in found.certificates if found else ():
            gauge.add_metric([one.name], one.seconds)
        yield gauge


class _Kept:
    at = float("-inf")
    found: dict[str, datetime | None] | None = None


_kept = _Kept()
_lock = threading.Lock()


def _is_old() -> bool:
    return time.monotonic() - _kept.at > FRESH_SECONDS


def _renew() -> None:
    with _lock:
        if _is_old():
            before = _kept.found or {}
            found = {name: ends or before.get(name) for name, ends in _read().items()}
            _kept.found, _kept.at = found, time.monotonic()


_Source = tuple[str, Callable[[], datetime | None]]


def _quietly(name: str, end_of: Callable[[], datetime | None]) -> datetime | None:
    try:
        return end_of()
    except Exception as error:  # whatever a file has, a server says or a library makes of it
        log.info("the certificate of %s cannot be read: %s", name, type(error).__name__)
        return None


# -- Files ------------------------------------------------------------------------------------


def _files() -> Iterator[_Source]:
    for name, entry in settings.PROVIDERS.items():
        options = entry.get("options", {})
        if path := options.get("cert_file"):
            yield f"{name} cert_file", partial(_first, path)
        if path := options.get("ca_file"):
            yield "NOTIFIER_CA_FILE", partial(_last, path)
    if path := settings.BROKER_CA_FILE:
        yield "NOTIFIER_BROKER_CA_FILE", partial(_last, path)
    database = settings.DATABASES["default"].get("OPTIONS", {})
    for url, options in (
        ("DATABASE_URL", database),
        ("REDIS_URL", _query(settings.REDIS_URL)),
        ("AMQP_URL", _query(settings.AMQP_URL)),
    ):
        for option in ("sslcert", "ssl_certfile"):
            if path := options.get(option):
                yield f"{url} {option}", partial(_first, path)
        for option in ("sslrootcert", "ssl_ca_certs"):
            if (path := options.get(option)) and path != "system":
                yield f"{url} {option}", partial(_last, path)


def _query(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


def _first(path: str) -> datetime:
    """Return when the first certificate of a file ends: a client's own is in front."""
    return x509.load_pem_x509_certificates(Path(path).read_bytes())[0].not_valid_after_utc


def _last(path: str) -> datetime:
    """Return when the last authority of a file ends.

    An old one stays beside its successor for a while, and nothing fails at its end.
    """
    found = x509.load_pem_x509_certificates(Path(path).read_bytes())
    return max(one.not_valid_after_utc for one in found)


# -- Servers ----------------------------------------------------------------------------------


def _servers() -> Iterator[_Source]:
    for url in {settings.REDIS_URL, *settings.AMQP_URL.split(";")}:
        parts = urlsplit(url)
        if parts.scheme == "rediss":
            yield _server("redis", parts.hostname or "", parts.port or 6379, _tls)
        elif parts.scheme == "amqps":
            yield _server("broker", parts.hostname or "", parts.port or 5671, _tls)
    database = settings.DATABASES["default"]
    if database.get("OPTIONS", {}).get("sslmode") in _REQUIRED:
        hosts = str(database.get("HOST", "")).split(",")
        ports = (str(database.get("PORT", "")).split(",") * len(hosts))[: len(hosts)]
        for host, port in zip(hosts, ports, strict=True):
            if host and not host.startswith("/"):
                yield _server("database", host, int(port or 5432), _postgresql)


def _outside() -> Iterator[_Source]:
    public = urlsplit(settings.PUBLIC_URL)
    if public.scheme == "https":
        yield _server("NOTIFIER_PUBLIC_URL", public.hostname or "", public.port or 443, _tls)
    mail = settings.ALERTS.server
    if mail.host and mail.tls != "none":
        start = _tls if mail.tls == "implicit" else _starttls
        yield _server("NOTIFIER_ALERT_SMTP_HOST", mail.host, mail.port, start)
    for name, entry in settings.PROVIDERS.items():
        options: dict[str, Any] = entry.get("options", {})
        if entry["class"].endswith(".SMTP") and options.get("tls") != "none":
            start = _tls if options["tls"] == "implicit" else _starttls
            yield _server(name, options["host"], int(options["port"]), start)


def _server(
    what: str, host: str, port: int, start: Callable[[socket.socket, str], ssl.SSLSocket]
) -> _Source:
    def ask() -> datetime:
        with socket.create_connection((host, port), timeout=PATIENCE) as plain:
            with start(plain, host) as encrypted:
                shown = encrypted.getpeercert(binary_form=True)
        if shown is None:
            raise ValueError("no certificate")
        return x509.load_der_x509_certificate(shown).not_valid_after_utc

    return f"{what} {host}:{port}", ask


def _tls(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """Begin TLS. Any certificate will do, an expired one too: nothing is said to the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=host)


def _postgresql(plain: socket.socket, host: str) -> ssl.SSLSocket:
    plain.sendall(_SSL_REQUEST)
    if plain.recv(1) != b"S":
        raise ValueError("no TLS")
    return _tls(plain, host)


def _starttls(plain: socket.socket, host: str) -> ssl.SSLSocket:
    with smtplib.SMTP(timeout=PATIENCE) as server:
        server.sock, server.file = plain, None
        server.getreply()
        server.ehlo_or_helo_if_needed()
        if server.docmd("STARTTLS")[0] != 220:
            raise ValueError("no TLS")
        server.sock = None  # it would close it
        return _tls(plain, host)
