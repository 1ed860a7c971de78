"""The documents say what the code does; where they name a thing, it is there."""

import asyncio
import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import urllib3
from django.conf import settings
from standardwebhooks.webhooks import WebhookVerificationError

from apps.api.pagination import MAX_LIMIT
from apps.api.parsers import DEFAULT_MAX_BODY
from apps.content.serializers import MOST_CONTENTS, VARIABLES_LIMIT
from apps.content.validation import MOST_TEXTS, VERSION_LIMIT
from apps.delivery.api import serializers as delivery
from apps.delivery.api.publish_views import BatchView
from apps.delivery.intake import idempotency
from apps.delivery.intake.template_validation import TRIAL_STEPS
from apps.delivery.status_webhooks import events, lookup
from apps.inbox.serializers import MAX_IDS
from apps.inbox.statuses import Status
from apps.preferences.api.recipient_views import RecipientBulk
from apps.preferences.api.serializers import MAX_BULK
from apps.publishers.scopes import Scope
from apps.topics.api.subscription_views import SubscriptionList
from config import reference
from config.env import OF_CLIENTS, SETTINGS
from notifier.channels import push, sms, webhook
from notifier.domain.messages import Content, DisplayType, Message, Severity
from notifier.domain.outcomes import Accepted, Reason
from notifier.domain.queues import names
from notifier.domain.states import TRANSITIONS
from notifier.providers.webhook import Webhook
from notifier.receipts import BLOCKED, COMPLAINT, HARD_BOUNCE, UNREACHABLE
from notifier.security import jwks
from notifier.security.tokens import LEEWAY, SHORTEST_SECRET
from notifier.templates import RENDER_STEPS, translation
from notifier.templates.budget import MOST_CHARACTERS
from notifier.templates.language import KNOWN_FILTERS, TESTS
from notifier.templates.text import SOURCE_LIMIT
from notifier.transport.reach import PORTS
from tests.support.tiny_servers import OK, listening

ROOT = Path(__file__).resolve().parents[3]
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


# -- The changelog ----------------------------------------------------------------------------


def test_each_version_of_the_changelog_has_a_heading_and_an_entry_once():
    """Its lines are merged by union, which brings back what another change had moved."""
    _, *versions = re.split("^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
    for version in versions:
        headings = re.findall("^### (.+)$", version, re.M)
        order = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
        assert headings == [heading for heading in order if heading in headings]
        entries = re.findall("^- (.{1,50})", version, re.M)
        assert len(entries) == len(set(entries)), sorted(entries)


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
    source = "".join(path.read_text() for path in (ROOT / "apps").rglob("*.py"))
    assert shown == set(re.findall(r'"(notifier_\w+)"', source))
    [said] = re.findall(r"^.* There are no others\.$", (DOCS / "operations.md").read_text(), re.M)
    counted, gauges = said.split("; ")
    counters = [name for name in re.findall(r"`(\w+)`", counted) if name.endswith("_total")]
    assert set(re.findall(r"`(notifier_\w+)`", said)) == shown
    numbers = ("eight", "nine", "ten", "eleven", "twelve", "thirteen")
    assert counted.lower().startswith(numbers[len(counters) - 8])
    assert gauges.startswith(numbers[len(re.findall("`", gauges)) // 2 - 8])


#: Reasons that the statements of transitions write, and no provider's outcome has.
OURS = {
    "no_address",
    "contact_disabled",
    "preference",
    "unsubscribed",
    "worker_lost",
    "topic_paused",
}


#: Reasons that only receipts have.
RECEIPTS = {BLOCKED, COMPLAINT, HARD_BOUNCE, UNREACHABLE}


def test_the_table_of_reasons_is_the_one_in_the_code():
    shown = [row[0] for row in table_of(DOCS / "operations.md", "Reasons")]
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


# -- The API and webhooks ---------------------------------------------------------------------


def test_the_table_of_limits_is_what_the_code_allows():
    shown = {row[0]: row[1] for row in table_of(DOCS / "api" / "README.md", "Limits")}
    assert shown == {
        "a request": f"{DEFAULT_MAX_BODY // 2**20} MiB",
        "a bulk request of recipients": f"{RecipientBulk.max_body // 2**20} MiB",
        "a bulk request of subscriptions": f"{SubscriptionList.max_body // 2**20} MiB",
        "a batch of notifications": f"{BatchView.max_body // 2**10:,} KiB",
        "recipients named in one notification": f"{delivery.RECIPIENTS_LIMIT:,}",
        "notifications in a batch, recipients or subscriptions in a bulk call": (
            f"{delivery.BATCH_LIMIT:,}"
        ),
        "a notification's content": f"{delivery.CONTENT_LIMIT // 2**10} KiB",
        "its title": f"{delivery.ContentIn().fields['title'].max_length} characters",
        "content for push": f"{push.PAYLOAD_LIMIT - push.FRAME:,} bytes",
        "content for a webhook": f"{webhook.PAYLOAD_LIMIT - webhook.FRAME:,} bytes",
        "title, body and actions for SMS": f"{sms.BODY_LIMIT:,} characters",
        "send_at": f"{delivery.LONGEST_AHEAD.days} days ahead",
        "an idempotency key": f"{idempotency.LONGEST_KEY} characters",
        "rows a page": f"{MAX_LIMIT}",
    }
    assert MAX_BULK == delivery.BATCH_LIMIT


def test_the_page_on_templates_says_what_the_code_allows():
    page = DOCS / "api" / "templates.md"
    assert {row[0]: row[1] for row in table_of(page, "What a template may be")} == {
        "one text": f"{SOURCE_LIMIT:,} characters",
        "all texts of a version": f"{VERSION_LIMIT:,} characters",
        "texts of a version that have something to fill in": f"{MOST_TEXTS:,}",
        "contents of a version": f"{MOST_CONTENTS}",
        "variables": f"{VARIABLES_LIMIT:,} bytes",
        "a title, filled in": f"{translation.TITLE_LIMIT} characters",
        "a content, filled in": f"{translation.CONTENT_LIMIT:,} bytes",
        "a value on the way to it": f"{MOST_CHARACTERS:,} characters",
        "steps of one content": f"{RENDER_STEPS:,}",
        "steps of a request that publishes, over all its contents": f"{TRIAL_STEPS:,}",
    }
    shown = {row[0]: row[1].split() for row in table_of(page, "The language")}
    assert shown == {"filters": sorted(KNOWN_FILTERS), "tests": sorted(TESTS)}


def test_the_page_on_status_webhooks_says_what_can_be_chosen():
    page = DOCS / "api" / "status-webhooks.md"
    assert sorted(row[0] for row in table_of(page, "What comes")) == sorted(lookup.EVENTS)
    assert f"1 to {events.AT_ONCE} deliveries" in page.read_text()
    assert f"at most {lookup.MOST} status webhooks" in page.read_text()


def test_the_table_of_scopes_is_the_one_in_the_code():
    shown = [row[0] for row in table_of(DOCS / "api" / "authentication.md", "Scopes")]
    assert shown == list(Scope)


def test_the_pages_on_tokens_say_what_the_code_allows():
    inbox = (DOCS / "api" / "inbox.md").read_text()
    assert f"up to {MAX_IDS:,} `ids`" in inbox
    assert f"at least {SHORTEST_SECRET} bytes" in inbox
    for word in (*Severity, *DisplayType, *Status):
        assert f"`{word}`" in inbox
    assert all(algorithm in inbox for algorithm in jwks.ALGORITHMS.values())
    assert (jwks.FRESH, jwks.PAUSE, LEEWAY) == (300, 10, 30), "docs/api/authentication.md"


def test_a_date_time_without_a_zone_is_utc():
    field = delivery.PublishIn().fields["send_at"]
    assert field.run_validation("2026-03-01T12:00:00") == field.run_validation(
        "2026-03-01T12:00:00Z"
    )


def block_of(page: Path, language: str) -> str:
    """The page's one block in this language."""
    [block] = re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    return block


async def posted(message: Message) -> tuple[dict[str, str], bytes]:
    """Headers and body as a receiver at ``PORT`` in the message's address gets them."""
    arrived = asyncio.get_running_loop().create_future()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.split(": ", 1) for line in head.splitlines()[1:] if line]
        headers = {name.lower(): value for name, value in lines}
        arrived.set_result((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(OK)

    provider = Webhook("webhook", allowed_networks=["127.0.0.0/8"])
    sent = []
    async with listening(receive) as port:
        url = message.address.replace("PORT", str(port))
        await provider.send_chunk([message._replace(address=url)], sent.append)
        found = await arrived
    await provider.close()
    await asyncio.sleep(0.1)  # pyreqwest's runtime outlives its clients a little
    assert sent[0].outcome == Accepted(delivered=True, status=200)
    return found


def test_a_webhook_is_what_the_page_says_and_its_snippet_verifies_it():
    page = DOCS / "webhooks.md"
    example = json.loads(block_of(page, "json"))
    said = example["data"]
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    message = Message(
        id=said["delivery_id"],
        channel="webhook",
        address="http://127.0.0.1:PORT/hook",
        content=Content(said["title"], said["body"], said["data"], said["actions"]),
        notification_id=said["notification_id"],
        user_id=said["user_id"],
        topic=said["topic"],
        posted_at=datetime.fromisoformat(example["timestamp"]),
        secret=secret,
    )
    headers, body = asyncio.run(posted(message))
    assert {row[0] for row in table_of(page, "What comes")} <= set(headers)
    arrived = json.loads(body)
    assert arrived == example
    scope: dict[str, object] = {}
    exec(block_of(page, "python"), scope)
    receive = scope["receive"]
    assert receive(secret, headers, body) == said
    with pytest.raises(WebhookVerificationError):
        receive(secret, headers, body.replace(b"ada", b"bob"))
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)}
    with pytest.raises(WebhookVerificationError, match="too old"):
        receive(secret, old, body)


def test_the_ports_and_sizes_of_webhooks_are_those_of_the_code():
    text = (DOCS / "webhooks.md").read_text()
    listed = re.search(r"the ports ([\d, and]+)", text)[1]
    assert {int(port) for port in re.findall(r"\d+", listed)} == PORTS
    assert f"less than {webhook.PAYLOAD_LIMIT:,} bytes" in text
    assert f"at most {webhook.PAYLOAD_LIMIT - webhook.FRAME:,}" in text
    assert f"at most {webhook.LONGEST:,} characters" in text


def test_the_client_needs_urllib3_only(tmp_path):
    (tmp_path / "urllib3").symlink_to(Path(urllib3.__file__).parent)
    # -S: no site-packages.
    done = subprocess.run(
        [sys.executable, "-S", "-c", "from notifier.client import NotifierClient"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


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
    known = {setting.name for setting in SETTINGS} | set(reference.PROCFILE) | OF_CLIENTS
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
