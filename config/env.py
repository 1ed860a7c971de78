"""Readers of environment variables, each with a name, a default and a meaning.

Each call adds a row to ``SETTINGS``, from which ``config.reference`` prints
``docs/configuration.md``: every setting that is read is documented.
"""

import difflib
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from redis.connection import parse_url

T = TypeVar("T")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable; ``default`` as it would be written, ``None`` if it must be set."""

    name: str
    default: str | None
    meaning: str


SETTINGS: list[Setting] = []
#: Names that are read without a row in the reference: those of further accounts.
UNLISTED: set[str] = set()
#: Errors that ``check`` reports all at once, beside unknown names.
COMPLAINTS: list[str] = []
PREFIX = "NOTIFIER_"
#: Behind a setting's name: the variable has the path of a file that holds the value.
FROM_FILE = "_FILE"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
REDIS = ("redis", "rediss")
_A_PROXY = (
    "Sentinel is not asked for the master: put a proxy that follows it (HAProxy) in front, and "
    "name that (docs/operations/connections.md#redis-behind-a-proxy)"
)
NO_SENTINEL = dict.fromkeys(
    ("sentinel", "sentinels", "redis-sentinel", "rediss-sentinel", "redis+sentinel"), _A_PROXY
)
#: Variables of publishers' own programs, as the documentation names them.
OF_CLIENTS = frozenset({"NOTIFIER_URL", "NOTIFIER_KEY"})
#: Settings of the version before: without effect, so that nobody must unset them before an upgrade.
IGNORED = frozenset(f"NOTIFIER_SWEEP_AFTER_{priority}" for priority in ("HIGH", "NORMAL", "LOW"))


def text(name: str, default: str | None, meaning: str) -> str:
    """Read a text.

    Raises ``ImproperlyConfigured`` where ``default`` is ``None`` and the variable is not set.
    """
    SETTINGS.append(Setting(name, default, meaning))
    value = _read(name)
    if value is None or (default is None and not value):
        value = default
    if value is None:
        raise ImproperlyConfigured(
            f"{name} is not set ({meaning}). `python -m config.secrets` prints fresh secrets; "
            "docs/configuration.md lists every setting."
        )
    return value


def unlisted(name: str, default: str) -> str:
    """Read a text whose name has no row in the reference."""
    UNLISTED.add(name)
    value = _read(name)
    return default if value is None else value


def is_given(name: str) -> bool:
    """Return whether the environment has a value that is not empty."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}{FROM_FILE}"))


def whole(name: str, default: int, meaning: str, *, least: int = 0) -> int:
    """Read a whole number that is not below ``least``."""

    def parse(value: str) -> int:
        return _at_least(int(value), least)

    return _parsed(name, str(default), meaning, parse, f"a whole number of at least {least}")


def number(name: str, default: float, meaning: str, *, above: float | None = None) -> float:
    """Read a number, mostly of seconds: not negative, and more than ``above`` if that is given."""
    expected = "a number that is not negative" if above is None else f"a number above {above:g}"

    def parse(value: str) -> float:
        found = _at_least(float(value), 0.0)
        if above is not None and found <= above:
            raise ValueError
        return found

    return _parsed(name, str(default), meaning, parse, expected)


def flag(name: str, default: bool, meaning: str) -> bool:
    """Read a flag: ``1``/``true``/``yes`` or ``0``/``false``/``no``."""
    return _parsed(name, "1" if default else "0", meaning, _flag, "1 or 0")


def choice(name: str, default: str, meaning: str, among: Iterable[str]) -> str:
    """Read one of the words of ``among``."""
    among = list(among)

    def parse(value: str) -> str:
        return among[among.index(value)]

    return _parsed(name, default, meaning, parse, f"one of {', '.join(among)}")


def items(
    name: str, default: str, meaning: str, *, among: Iterable[str] | None = None
) -> list[str]:
    """Read comma-separated values without empty ones; each of ``among`` if that is given."""
    found = [item.strip() for item in text(name, default, meaning).split(",") if item.strip()]
    known = list(found if among is None else among)
    if wrong := [item for item in found if item not in known]:
        raise ImproperlyConfigured(f"{name} has {wrong[0]!r}: it takes {', '.join(known)}")
    return found


def parsed_items(
    name: str, default: str, meaning: str, parse: Callable[[str], T], expected: str
) -> list[T]:
    """Read comma-separated values, each by ``parse``, which raises ``ValueError``."""

    def parse_all(value: str) -> list[T]:
        return [parse(item) for item in value.split(",") if item.strip()]

    return _parsed(name, default, meaning, parse_all, expected)


def numbers(name: str, default: str, meaning: str) -> tuple[float, ...]:
    """Read comma-separated numbers, none of them negative."""

    def parse(value: str) -> tuple[float, ...]:
        return tuple(_at_least(float(item), 0.0) for item in value.split(",") if item.strip())

    return _parsed(name, default, meaning, parse, "numbers with commas between them")


def networks(name: str, default: str, meaning: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read comma-separated IP networks or addresses."""

    def parse(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(item.strip()) for item in value.split(",") if item.strip())

    return _parsed(name, default, meaning, parse, "networks such as 10.0.0.0/8")


def dns_servers(name: str, default: str, meaning: str) -> list[str]:
    """Read comma-separated IP addresses, each with a port or without."""

    def parse(value: str) -> list[str]:
        return [_socket_address(item.strip()) for item in value.split(",") if item.strip()]

    return _parsed(name, default, meaning, parse, "IP addresses such as 10.0.0.2 or 10.0.0.2:5353")


def _socket_address(text: str) -> str:
    """Check ``10.0.0.2``, ``10.0.0.2:53``, ``::1`` or ``[::1]:53``. Raises ``ValueError``."""
    ported = text.count(":") == 1 or "]:" in text
    host, port = text.rsplit(":", 1) if ported else (text, "53")
    ip_address(host.removeprefix("[").removesuffix("]"))
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f"no port: {port}")
    return text


def url(name: str, default: str, meaning: str) -> str:
    """Read an ``http://`` or ``https://`` URL."""
    return checked_url(name, text(name, default, meaning))


def origins(name: str, meaning: str) -> list[str]:
    """Read comma-separated origins of pages: a scheme and a host, with a port or without."""
    found = items(name, "", meaning)
    for origin in found:
        parts = urlsplit(checked_url(name, origin))
        if origin != f"{parts.scheme}://{parts.netloc}" or origin != origin.lower():
            raise ImproperlyConfigured(
                f"{name} has {origin!r}: an origin is https://app.example.com, in lower case and "
                "without a path"
            )
    return found


def server(
    name: str,
    default: str,
    meaning: str,
    schemes: Iterable[str],
    instead: Mapping[str, str] | None = None,
) -> str:
    """Read the URL of a server that speaks one of ``schemes``.

    ``instead``: by refused scheme, what to do about it.

    Raises ``ImproperlyConfigured`` without the value, which may contain a password.
    """
    value = text(name, default, meaning)
    schemes = list(schemes)
    scheme = value.partition("://")[0]
    if scheme not in schemes:
        beginnings = " or ".join(f"{one}://" for one in schemes)
        hint = f". {instead[scheme]}" if instead and scheme in instead else ""
        raise ImproperlyConfigured(f"{name} must be a URL that begins with {beginnings}{hint}")
    return value


def redis(name: str, default: str, meaning: str) -> str:
    """Read the URL of one Redis server, or of a proxy in front of several."""
    value = server(name, default, meaning, REDIS, NO_SENTINEL)
    try:
        parse_url(value)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must be the URL of one server, such as redis://:password@host:6379/0"
        ) from None
    return value


def checked_url(name: str, value: str) -> str:
    """Return ``value`` if it is an ``http://`` or ``https://`` URL.

    ``name``: the setting that it comes from, for the error's text.
    """
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(f"{name} must be an http:// or https:// URL, not {value!r}")
    return value


def checked_file(name: str, path: str, what: bytes) -> str:
    """Return ``path`` if it is empty, or names a readable file that contains ``what``.

    ``name``: the setting that it comes from, for the error's text.
    """
    try:
        content = Path(path).read_bytes() if path else what
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} says {path!r}, which cannot be read: {error.strerror}"
        ) from None
    if what not in content:
        raise ImproperlyConfigured(f"{name} says {path!r}, which has no {what.decode()} in it")
    return path


def complain(sentence: str) -> None:
    """Have ``check`` raise this sentence, together with its other findings."""
    COMPLAINTS.append(sentence)


def check(explain: Callable[[str, set[str]], str] = lambda name, known: "") -> None:
    """Report unknown settings of ours in the environment, and everything passed to ``complain``.

    A variable with our prefix that nothing reads is misspelt, and its operator believes that it
    works. Call this after everything was read.

    ``explain``: given an unknown name and all known ones, more about it, or nothing.

    Raises ``ImproperlyConfigured`` where anything is wrong.
    """
    known = {setting.name for setting in SETTINGS} | UNLISTED | OF_CLIENTS
    known |= {f"{name}{FROM_FILE}" for name in known}
    wrong = [
        f"{name} is no setting{_hint(name, known, explain)}: correct or unset it"
        for name in sorted(os.environ)
        if name not in IGNORED and _is_unknown_setting(name, known)
    ]
    wrong += COMPLAINTS
    COMPLAINTS.clear()
    if wrong:
        raise ImproperlyConfigured(f"{'; '.join(wrong)}. docs/configuration.md has every setting.")


def _is_unknown_setting(name: str, known: set[str]) -> bool:
    """Return whether a name with our prefix is unknown, or a known one has a misspelt prefix."""
    prefix, _, rest = name.upper().partition("_")
    if name.startswith(PREFIX):
        return name not in known and not _is_of_kubernetes(name)
    misspelt = difflib.get_close_matches(f"{prefix}_", [PREFIX], cutoff=0.8)
    return bool(misspelt) and f"{PREFIX}{rest}" in known


def _is_of_kubernetes(name: str) -> bool:
    """Return whether Kubernetes sets it, for a service whose name begins with ``notifier``."""
    services = [one.removesuffix("_SERVICE_HOST") for one in os.environ if one.startswith(PREFIX)]
    return any(
        f"{service}_SERVICE_HOST" in os.environ
        and re.fullmatch(rf"{service}_(SERVICE_HOST|(SERVICE_)?PORT(_\w+)?)", name)
        for service in services
    )


def _hint(name: str, known: set[str], explain: Callable[[str, set[str]], str]) -> str:
    if explanation := explain(name, known):
        return f" ({explanation})"
    rests = [one.removeprefix(PREFIX) for one in known if one.startswith(PREFIX)]
    close = difflib.get_close_matches(name.upper().partition("_")[2], rests, n=1)
    return f" (did you mean {PREFIX}{close[0]}?)" if close else ""


def _read(name: str) -> str | None:
    """Return the value of a variable, or of the file that ``<name>_FILE`` names."""
    value, path = os.environ.get(name), os.environ.get(f"{name}{FROM_FILE}")
    if path and value is not None:
        raise ImproperlyConfigured(f"{name} and {name}{FROM_FILE} are both set: unset one of them")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeError) as error:
            raise ImproperlyConfigured(
                f"{name}{FROM_FILE} says {path!r}, which cannot be read: {error}"
            ) from None
    if value is not None and (value != value.strip() or CONTROL.search(value)):
        raise ImproperlyConfigured(f"{name} has white space at an end, or a control character")
    return value


def _at_least(value: Number, least: float) -> Number:
    if not math.isfinite(value) or value < least:
        raise ValueError
    return value


def _flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    return known[value.strip().lower()]


def _parsed(name: str, default: str, meaning: str, parse: Callable[[str], T], expected: str) -> T:
    value = text(name, default, meaning)
    try:
        return parse(value)
    except (ValueError, KeyError):
        raise ImproperlyConfigured(f"{name} must be {expected}, not {value!r}") from None
