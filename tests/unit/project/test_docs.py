"""The documents say what the code does; where they name a thing, it is there."""

import re
import subprocess
import sys

import pytest
from django.conf import settings

from config import reference
from config.env import FROM_FILE, OF_CLIENTS, SETTINGS
from notifier.domain.outcomes import Reason
from notifier.domain.queues import names
from notifier.domain.states import TRANSITIONS
from notifier.receipts import BLOCKED, COMPLAINT, HARD_BOUNCE, UNREACHABLE
from stack import previous
from tests.support.pages import DOCS, PAGES, ROOT, code_of, table_of

MONITORING = DOCS / "operations" / "monitoring.md"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
#: Pages whose links are followed.
LINKING = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
LINKING += sorted(ROOT.glob("packages/*/README.md"))
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


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


def test_each_version_of_the_changelog_has_a_heading_and_an_entry_once():
    """Its lines are merged by union, which brings back what another change had moved."""
    _, *versions = re.split("^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
    for version in versions:
        headings = re.findall("^### (.+)$", version, re.M)
        order = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
        assert headings == [heading for heading in order if heading in headings]
        entries = re.findall("^- (.{1,50})", version, re.M)
        assert len(entries) == len(set(entries)), sorted(entries)


def test_the_page_on_upgrades_names_the_commit_that_a_rolling_upgrade_starts_from():
    rows = table_of(DOCS / "upgrading.md", "From which version")
    [said] = [row[0] for row in rows if "without one" in row[1]]
    [commit] = re.findall(r"commit (\w{7,})", said)
    assert previous.COMMIT.startswith(commit)


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


def test_the_way_of_a_notification_is_short_and_names_what_exists():
    way = table_of(DOCS / "architecture.md", "The way of a notification")
    files = [file for file, _, _ in way]
    assert len(files) == len(set(files)) < 15
    for file, functions, _ in way:
        for part in re.split(r"[., ]+", functions):
            definition = re.compile(rf"^ *(class|def|async def) {part}\b", re.MULTILINE)
            assert definition.search((ROOT / file).read_text()), (file, part)


def test_every_queue_has_a_worker():
    procfile = (ROOT / "Procfile").read_text()
    consumed = [queue for found in re.findall(r" -Q (\S+)", procfile) for queue in found.split(",")]
    assert sorted(consumed) == sorted(names(settings.CHANNELS))


def test_the_table_of_metrics_is_the_one_in_the_code():
    shown = {row[0] for row in table_of(MONITORING, "Metrics")}
    source = "".join(path.read_text() for path in (ROOT / "apps").rglob("*.py"))
    assert shown == set(re.findall(r'"(notifier_\w+)"', source))
    [said] = re.findall(r"^.* There are no others\.$", MONITORING.read_text(), re.M)
    counted, gauges = said.split("; ")
    counters = [name for name in re.findall(r"`(\w+)`", counted) if name.endswith("_total")]
    assert set(re.findall(r"`(notifier_\w+)`", said)) == shown
    numbers = (
        *("eight", "nine", "ten", "eleven", "twelve", "thirteen"),
        *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        "twenty",
    )
    assert counted.lower().startswith(numbers[len(counters) - 8])
    assert gauges.startswith(numbers[len(re.findall("`", gauges)) // 2 - 8])


def test_the_page_on_scaling_names_metrics_lines_and_settings_that_exist():
    rows = table_of(DOCS / "scaling.md", "When to scale what")
    assert len(rows) > 10
    metrics = {row[0] for row in table_of(MONITORING, "Metrics")}
    text = " ".join(cell for row in rows for cell in row)
    named = set(re.findall(r"notifier_\w+", text))
    assert len(named) > 8 and named <= metrics
    known = {setting.name for setting in SETTINGS} | {*reference.PROCFILE}
    assert set(re.findall(r"NOTIFIER_\w+|WEB_\w+", text)) <= known
    assert {row[4] for row in rows} == {"out", "up", "–"}


#: Reasons that the statements of transitions write, and no provider's outcome has.
OURS = {
    "no_address",
    "contact_disabled",
    "preference",
    "category_default",
    "read",
    "read_by_another",
    "acknowledged",
    "acknowledged_by_another",
    "reached",
    "local_time_passed",
    "frequency_cap",
    "unsubscribed",
    "worker_lost",
    "topic_paused",
}
#: Reasons that only receipts have.
RECEIPTS = {BLOCKED, COMPLAINT, HARD_BOUNCE, UNREACHABLE}


def test_the_table_of_reasons_is_the_one_in_the_code():
    shown = [row[0] for row in table_of(DOCS / "reasons.md", "Reasons")]
    assert sorted(shown) == sorted({*Reason} | OURS | RECEIPTS)


def test_the_reasons_of_our_own_are_those_of_the_statements():
    sources = (ROOT / "apps" / "delivery").rglob("*.py")
    statements = "".join(path.read_text() for path in sources)
    written = set(re.findall(r"(?:THEN|reason =) '(\w+)'", statements)) - set(TRANSITIONS)
    assert written >= OURS
    assert written <= OURS | {*Reason}


def test_the_threads_of_workers_are_those_of_the_procfile():
    rows = table_of(DOCS / "configuration.md", "Processes (read by the Procfile)")
    [default] = [row[1] for row in rows if row[0] == "WORKER_THREADS"]
    shown = {
        process: number
        for part in default.split("; ")
        for number, _, processes in [part.partition(" in ")]
        for process in processes.split(", ")
    }
    lines = (ROOT / "Procfile").read_text()
    assert shown == dict(re.findall(r"^(\w+): .*WORKER_THREADS:-(\d+)", lines, re.MULTILINE))


@pytest.mark.parametrize("page", LINKING, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = page.read_text()
    for target in re.findall(r'\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"', text):
        path, _, anchor = (target[0] or target[1]).partition("#")
        if path.startswith("http"):
            continue
        there = page.parent / path if path else page
        assert there.exists(), f"{page.name} links to {path}"
        assert not anchor or anchor in anchors(there), f"{page.name} links to {path}#{anchor}"


def test_sections_that_code_names_exist():
    """In messages of the service, alerts, dashboards and comments."""
    written = re.compile(r"\bdocs/([\w/-]+\.md)(?:#([\w-]+))?")
    named = {
        found
        for folder in ("apps", "config", "deploy", "notifier", "stack", "tests")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".yml", ".yaml", ".json", ".jinja", ".html"}
        for found in written.findall(file.read_text())
    }
    assert len(named) > 30
    for path, anchor in named:
        assert (DOCS / path).exists(), path
        assert not anchor or anchor in anchors(DOCS / path), f"{path}#{anchor}"


def anchors(page):
    """The anchors of its headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_files_that_are_named_exist(page):
    for word in code_of(page):
        if re.fullmatch(r"(?:apps|config|notifier|stack|tests|docs|bench)/[\w./-]*", word):
            assert (ROOT / word).exists(), f"{page.name} names {word}"


@every_page
def test_settings_that_are_named_exist(page):
    known = {setting.name for setting in SETTINGS} | set(reference.PROCFILE) | OF_CLIENTS
    known |= {f"{name}{FROM_FILE}" for name in known}
    named = set(re.findall(r"\bNOTIFIER_[A-Z_]+\b", page.read_text()))
    assert named <= known, named - known


@every_page
def test_commands_that_are_named_exist(page):
    text = page.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE))
    assert named <= targets, named - targets
    ours = {path.stem for path in ROOT.glob("apps/**/management/commands/*.py")}
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


#: Pages that a list of pages has: decisions are found from the pages that they are about.
LISTED = {page for page in PAGES if page.is_relative_to(DOCS) and page not in DECISIONS}
LISTED |= set(ROOT.glob("packages/*/README.md"))


def test_llms_txt_has_the_form_that_its_readers_expect():
    """A title, a summary, then sections with lists of links: https://llmstxt.org."""
    intro, *sections = re.split(r"^## .+\n", (DOCS / "llms.txt").read_text(), flags=re.MULTILINE)
    assert re.match(r"# \S.*\n\n> \S.*\n", intro)
    assert sections
    for section in sections:
        for line in section.strip().splitlines():
            assert re.fullmatch(r"- \[[^\]]+\]\([^)]+\.md\): \S.*", line), line


def test_llms_txt_lists_every_page_once_by_its_title():
    links = re.findall(r"^- \[(.+)\]\((.+)\):", (DOCS / "llms.txt").read_text(), re.MULTILINE)
    listed = [(DOCS / path).resolve() for _, path in links]
    assert sorted(listed) == sorted(LISTED)
    for (title, _), page in zip(links, listed, strict=True):
        assert page.read_text().startswith(f"# {title}\n"), page


def test_the_index_leads_to_every_page():
    """By itself, or by the overviews of the API, the guides and operations."""
    indexes = [DOCS / "README.md", *sorted(DOCS.glob("*/README.md"))]
    linked = {
        (index.parent / path).resolve()
        for index in indexes
        for path in re.findall(r"\]\(([^)#]+)", index.read_text())
        if not path.startswith("http")
    }
    assert {page for page in LISTED if page.is_relative_to(DOCS)} - linked == {indexes[0]}
