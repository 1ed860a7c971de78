"""The pages on the API and on webhooks say what the code does."""

import asyncio
import json
import re
from datetime import datetime

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from apps.api.pagination import MAX_LIMIT
from apps.api.parsers import DEFAULT_MAX_BODY
from apps.content.serializers import MOST_CONTENTS, VARIABLES_LIMIT
from apps.content.validation import MOST_TEXTS, VERSION_LIMIT
from apps.delivery.api.publishing import contents, metadata
from apps.delivery.api.publishing import serializers as delivery
from apps.delivery.api.publishing.views import BatchView
from apps.delivery.intake import idempotency
from apps.delivery.intake.earlier import unreached_audience
from apps.delivery.intake.template_validation import REQUEST_STEPS
from apps.delivery.status_webhooks import events, lookup
from apps.inbox.serializers import MAX_IDS
from apps.inbox.statuses import Status
from apps.preferences.api.fields import MAX_BULK
from apps.preferences.api.recipient_serializers import ATTRIBUTES_LIMIT
from apps.preferences.api.recipient_views import RecipientBulk
from apps.publishers.scopes import MEANINGS, Scope
from apps.topics.api.subscription_views import SubscriptionList
from notifier.channels import push, sms, webhook
from notifier.domain.messages import Content, DisplayType, Message, Severity
from notifier.domain.outcomes import Accepted
from notifier.providers.webhook import Webhook
from notifier.security import jwks
from notifier.security.tokens import LEEWAY, SHORTEST_SECRET
from notifier.templates import RENDER_STEPS, translation
from notifier.templates.budget import MOST_CHARACTERS
from notifier.templates.language import KNOWN_FILTERS, TESTS
from notifier.templates.rendering import SOURCE_LIMIT
from notifier.transport.destinations import PORTS
from tests.support.fakes.tiny_servers import OK, listening
from tests.support.pages import DOCS, block_of, table_of


def test_the_table_of_limits_is_what_the_code_allows():
    shown = {row[0]: row[1] for row in table_of(DOCS / "api" / "README.md", "Limits")}
    assert shown == {
        "a request": f"{DEFAULT_MAX_BODY // 2**20} MiB",
        "a bulk request of recipients": f"{RecipientBulk.max_body // 2**20} MiB",
        "a bulk request of subscriptions": f"{SubscriptionList.max_body // 2**20} MiB",
        "a batch of notifications": f"{BatchView.max_body // 2**10:,} KiB",
        "recipients named in one notification": f"{delivery.RECIPIENTS_LIMIT:,}",
        "recipients whom an earlier notification did not reach": f"{unreached_audience.MOST:,}",
        "notifications in a batch, recipients or subscriptions in a bulk call": (
            f"{delivery.BATCH_LIMIT:,}"
        ),
        "a recipient's attributes": f"{ATTRIBUTES_LIMIT // 2**10} KiB",
        "a notification's content": f"{contents.CONTENT_LIMIT // 2**10} KiB",
        "its title": f"{contents.ContentIn().fields['title'].max_length} characters",
        "its reference": f"{metadata.REFERENCE_LENGTH} characters",
        "its metadata": (
            f"{metadata.MOST_NAMES} texts of {metadata.TEXT_LENGTH} characters, "
            f"{metadata.METADATA_LIMIT // 2**10} KiB"
        ),
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
        "steps of a request that publishes, over all its contents": f"{REQUEST_STEPS:,}",
    }
    shown = {row[0]: row[1].split() for row in table_of(page, "The language")}
    assert shown == {"filters": sorted(KNOWN_FILTERS), "tests": sorted(TESTS)}


def test_the_page_on_status_webhooks_says_what_can_be_chosen():
    page = DOCS / "api" / "status-webhooks.md"
    assert sorted(row[0] for row in table_of(page, "What comes")) == sorted(lookup.EVENTS)
    assert f"1 to {events.AT_ONCE} deliveries" in page.read_text()
    assert f"at most {lookup.MOST} status webhooks" in page.read_text()


def test_the_table_of_scopes_is_the_one_in_the_code():
    shown = dict(table_of(DOCS / "api" / "authentication.md", "Scopes"))
    assert list(shown) == list(Scope)
    for scope, meaning in shown.items():
        assert re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning).replace("`", "") == MEANINGS[scope]


def test_the_pages_on_tokens_say_what_the_code_allows():
    inbox = (DOCS / "api" / "inbox.md").read_text()
    assert f"up to {MAX_IDS:,} `ids`" in inbox
    assert f"at least {SHORTEST_SECRET} bytes" in inbox
    for word in (*Severity, *DisplayType, *Status):
        assert f"`{word}`" in inbox
    assert all(algorithm in inbox for algorithm in jwks.ALGORITHMS.values())
    publishers = (DOCS / "api" / "authentication.md").read_text()
    words = {5: "five", 10: "ten"}
    assert f"again every {words[jwks.FRESH / 60]} minutes" in publishers
    assert f"at most every {words[jwks.PAUSE]} seconds" in publishers
    assert LEEWAY == 30 and "Clocks may differ by half a minute" in publishers


def test_a_date_time_without_a_zone_is_utc():
    field = delivery.PublishIn().fields["send_at"]
    assert field.run_validation("2026-03-01T12:00:00") == field.run_validation(
        "2026-03-01T12:00:00Z"
    )


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
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
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
