"""What digests cost a claim in which nobody asks for one."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import claiming
from apps.delivery.sending.capacity import Capacity
from tests.support.deliveries.digests import HOUR

HELLO = {"title": "Hello"}


def statements(shop, **body):
    """Post to ada, and claim it; the statements of the claim that are about digests."""
    shop.post("notifications", {"user_id": "ada", "channels": ["push"], "content": HELLO, **body})
    with CaptureQueriesContext(connection) as queries:
        claiming.claim(Queue("push", "normal"), Capacity(1000))
    tables = ("delivery_opendigest", "preferences_digestchoice", "told_in")
    return [one["sql"] for one in queries if any(table in one["sql"] for table in tables)]


def test_a_claim_without_digests_runs_no_statement_about_them(shop, ada):
    statements(shop)  # who asks for digests is known in the process from now on
    assert statements(shop) == []
    assert len(statements(shop, digest=HOUR)) == 3  # people, the open digest, what joins it
