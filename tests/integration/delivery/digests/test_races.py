"""Joining while digests close: three workers claim what is posted and what is due at once."""

import threading
import time

from django.db import connection

from apps.delivery.models import OpenDigest
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import claiming, process
from apps.delivery.sending.capacity import Capacity
from tests.support.deliveries.digests import HOUR, Push, close_digests, state_and_reason

#: One statement that asks for the state again where it waited for a claim.
CLOSE = """
UPDATE delivery_delivery d SET next_attempt_at = clock_timestamp()
  FROM delivery_notification n
 WHERE n.id = d.notification_id AND n.kind = 'digest' AND d.state = 'retrying'
   AND d.reason = 'digest'
"""


def test_each_is_told_once_however_claims_join_and_close(shop, work, ada):
    over, sending = threading.Event(), threading.Lock()
    failures = []

    def take_up():
        try:
            while not over.is_set():
                claim = claiming.claim(Queue("push", "normal"), Capacity(1000)).claim
                if claim is None:
                    time.sleep(0.01)
                    continue
                with sending:
                    process.worker().send(claim)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=take_up) for _ in range(3)]
    for one in workers:
        one.start()
    posted = []
    until = time.monotonic() + 4
    while time.monotonic() < until:
        content = {"title": f"Comment {len(posted)}"}
        body = {"user_id": "ada", "channels": ["push"], "content": content, "digest": HOUR}
        posted.append(shop.post("notifications", body))
        if len(posted) % 5 == 0:
            with connection.cursor() as cursor:
                cursor.execute(CLOSE)
    over.set()
    for one in workers:
        one.join()
    work()
    for _ in range(20):
        close_digests()
        work()
    assert not failures and not OpenDigest.objects.exists()
    assert {state_and_reason(one) for one in posted} == {("accepted", "")}
    assert sum(one.content.data.get("count", 1) for one in Push.taken) == len(posted)
    assert len(Push.taken) > 5
