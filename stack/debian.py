"""Debian packages that only tests and benchmarks need, installed where we may: as root, by apt."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package.

    ``file``: a file of the package, or a command's name where any on the PATH will do; ``what``:
    its name for people.
    """

    name: str
    file: str
    what: str

    @property
    def there(self) -> bool:
        return Path(self.file).is_file() or shutil.which(self.file) is not None

    @property
    def missing(self) -> str:
        """Return a sentence that says that it is missing, and how to install it."""
        return f"no {self.what}: install Debian's {self.name}"


CHROMIUM = Package("chromium", "/usr/bin/chromium", "browser")
CURL = Package("curl", "curl", "curl")
FAKETIME = Package(
    "faketime", "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "clock that is wrong"
)
FIREFOX = Package("firefox-esr", "/usr/bin/firefox-esr", "Firefox")
HAPROXY = Package("haproxy", "/usr/sbin/haproxy", "HAProxy")
IPROUTE = Package("iproute2", "ip", "network namespace")
GO = Package("golang-go", "go", "Go")
JAVA = Package("default-jre-headless", "java", "Java")
JAVAC = Package("default-jdk-headless", "javac", "Java compiler")
#: The one class that a generated client needs beside Jackson, which the generator brings along.
JAVA_ANNOTATIONS = Package(
    "libgeronimo-annotation-1.3-spec-java",
    "/usr/share/java/geronimo-annotation-1.3-spec.jar",
    "annotations of Java",
)
NGINX = Package(  # brings nginx along
    "libnginx-mod-http-lua", "/usr/lib/nginx/modules/ngx_http_lua_module.so", "nginx with Lua"
)
NODE = Package("nodejs", "node", "Node")
NPM = Package("npm", "npm", "npm")
PGBOUNCER = Package("pgbouncer", "/usr/sbin/pgbouncer", "PgBouncer")
#: Brings promtool along, which tests rules.
PROMETHEUS = Package("prometheus", "prometheus", "Prometheus")
#: The server itself: Debian's wrapper in /usr/sbin must be root and changes to another user.
RABBITMQ = Package("rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server", "RabbitMQ")
SYSTEMD = Package("systemd", "systemd-analyze", "systemd")
WRK = Package("wrk", "wrk", "wrk")

#: Packages that the tests need beside those of PyPI and of every Debian.
OF_THE_TESTS = (
    *(CHROMIUM, CURL, FIREFOX, HAPROXY, IPROUTE, NGINX, NODE, NPM),
    *(PGBOUNCER, PROMETHEUS, RABBITMQ, SYSTEMD, WRK),
)
#: Packages that `make faults` needs.
OF_THE_FAULTS = (FAKETIME, IPROUTE, RABBITMQ)


def installed(*packages: Package) -> bool:
    """Return whether all are there, after installing missing ones where we may."""
    missing = [package.name for package in packages if not package.there]
    if missing and os.geteuid() == 0 and shutil.which("apt-get", path=SYSTEM_PATH):
        print(f"Installing Debian's {', '.join(missing)} (a minute or two)", flush=True)
        _install(missing)
    return all(package.there for package in packages)


def _install(names: list[str]) -> None:
    with _no_services():
        _apt("update")
        for name in names:  # one by one, so that a missing one does not keep the others away
            if errors := _apt("install", name):
                print(f"apt-get could not install {name}:\n{errors}", flush=True)


def _apt(*step: str) -> str:
    """Run a step of apt. Returns its errors, empty where it succeeded."""
    command = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": SYSTEM_PATH}
    done = subprocess.run(
        command + list(step), env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Keep packages from starting their services, which nothing would stop."""
    if POLICY.exists():  # the machine has a policy of its own
        yield
        return
    # 101 forbids (invoke-rc.d(8)). If we are killed, the file that stays forbids nothing.
    POLICY.write_text(f"#!/bin/sh\nkill -0 {os.getpid()} 2>/dev/null && exit 101\nexit 0\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
