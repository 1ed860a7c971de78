"""The documents say what the code does; where they name a thing, it is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config import reference
from config.env import SETTINGS
from notifier.queues import names
from notifier.states import TRANSITIONS

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def code_of(page: Path) -> list[str]:
    """What stands between backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))


def table_of(page: Path, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head and backticks."""
    section = page.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.split("|")[1:-1]] for line in lines[2:]]


# -- Configuration ----------------------------------------------------------------------------


def test_the_configuration_page_is_what_the_settings_say():
    printed = subprocess.run(
        [sys.executable, "-m", "config.reference"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    page = DOCS / "configuration.md"
    assert page.read_text() == printed.stdout, (
        "run `python -m config.reference > docs/configuration.md`"
    )


def test_a_variable_of_the_procfile_without_a_meaning_is_an_error(monkeypatch):
    monkeypatch.delitem(reference.PROCFILE, "WORKER_THREADS")
    with pytest.raises(LookupError, match="WORKER_THREADS"):
        reference.reference()


def test_every_meaning_is_of_a_variable_that_the_procfile_reads():
    read = set(re.findall(r"\$\{(\w+)", (ROOT / "Procfile").read_text()))
    assert set(reference.PROCFILE) == read - {setting.name for setting in SETTINGS}


# -- Architecture and operations --------------------------------------------------------------


def test_the_table_of_states_is_the_one_in_the_code():
    shown = {row[0]: set(row[2].split()) for row in table_of(DOCS / "architecture.md", "States")}
    assert shown == {state: set(after) or {"–"} for state, after in TRANSITIONS.items()}


def test_the_table_of_workers_is_the_procfile():
    shown = {
        row[0]: set(row[1].split())
        for row in table_of(DOCS / "architecture.md", "Queues and workers")
    }
    consumed = {
        line.partition(":")[0]: set(re.search(r" -Q (\S+)", line)[1].split(","))
        for line in (ROOT / "Procfile").read_text().splitlines()
        if " -Q " in line
    }
    assert shown == consumed


def test_every_queue_has_a_worker():
    procfile = (ROOT / "Procfile").read_text()
    consumed = [queue for found in re.findall(r" -Q (\S+)", procfile) for queue in found.split(",")]
    assert sorted(consumed) == sorted(names(settings.CHANNELS))


def test_the_table_of_metrics_is_the_one_in_the_code():
    shown = {row[0] for row in table_of(DOCS / "operations.md", "Metrics")}
    source = (ROOT / "apps" / "delivery" / "metrics.py").read_text()
    assert shown == set(re.findall(r'"(notifier_\w+)"', source))


# -- Every page -------------------------------------------------------------------------------


@every_page
def test_links_lead_somewhere(page):
    text = page.read_text()
    for target in re.findall(r'\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"', text):
        path, _, anchor = (target[0] or target[1]).partition("#")
        if path.startswith("http"):
            continue
        there = page.parent / path if path else page
        assert there.exists(), f"{page.name} links to {path}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings]
            assert anchor in slugs, f"{page.name} links to #{anchor}"


@every_page
def test_files_that_are_named_exist(page):
    for word in code_of(page):
        if re.fullmatch(r"(?:apps|config|notifier|stack|tests|docs|bench)/[\w./-]*", word):
            assert (ROOT / word).exists(), f"{page.name} names {word}"


@every_page
def test_settings_that_are_named_exist(page):
    known = {setting.name for setting in SETTINGS} | set(reference.PROCFILE) | {"NOTIFIER_URL"}
    named = set(re.findall(r"\bNOTIFIER_[A-Z_]+\b", page.read_text()))
    assert named <= known, named - known


@every_page
def test_commands_that_are_named_exist(page):
    text = page.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE))
    assert named <= targets, named - targets
    ours = {path.stem for path in ROOT.glob("apps/*/management/commands/*.py")}
    django = {"migrate", "createsuperuser", "check", "help"}
    named = set(re.findall(r"manage\.py ([a-z_]+)", text))
    assert named <= ours | django, named - ours - django


@pytest.mark.parametrize("record", DECISIONS, ids=lambda p: p.stem)
def test_a_decision_is_short_and_says_why_what_and_what_follows(record):
    lines = record.read_text().splitlines()
    assert len(lines) <= 40
    assert re.fullmatch(rf"# {int(record.name[:4])}\. .+", lines[0])
    headings = [line for line in lines if line.startswith("## ")]
    assert headings == ["## Context", "## Decision", "## Consequences"]


def test_decisions_are_numbered_without_gaps():
    assert [int(record.name[:4]) for record in DECISIONS] == list(range(1, len(DECISIONS) + 1))
