"""The naive app: one Celery task per subscriber, which calls Firebase's SDK and saves one row.

It uses Celery's default pool with the concurrency at which it is fastest, and is not slowed down
artificially: each process keeps its connections and its access token, and the row is a plain insert
without an ORM. (As threads in two processes, with the SDK's connection pool enlarged to match, it
is three times as fast.) Runs in the service's environment, with ``BENCH_SANDBOX_JSON``.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import celery
import firebase_admin
import psycopg2
from firebase_admin import credentials, messaging

QUEUE = "bench.baselines.naive"
#: 16 and 64 processes are slower.
PROCESSES = 32
TABLE = """CREATE TABLE IF NOT EXISTS bench_naive (
    id bigserial PRIMARY KEY, token text NOT NULL, message_id text NOT NULL,
    state text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())"""

app = celery.Celery("naive", broker=os.environ.get("AMQP_URL"), set_as_current=False)
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
)


@app.task(name="naive.send")
def send(token: str, title: str, body: str) -> None:
    """Send a message, then save that it was sent."""
    message = messaging.Message(
        token=token,
        notification=messaging.Notification(title=title, body=body),
        android=messaging.AndroidConfig(priority="normal"),
    )
    message_id = messaging.send(message, app=_firebase())
    with _connection().cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_naive (token, message_id, state) VALUES (%s, %s, 'accepted')",
            [token, message_id],
        )


@contextmanager
def publishing(broker_url: str) -> Iterator[Callable[[str, str, str], object]]:
    """Yield a function that enqueues a task, as a publisher of the naive app would."""
    with app.connection_for_write(broker_url) as connection, app.amqp.Producer(connection) as to:
        yield lambda *arguments: send.apply_async(arguments, producer=to)


@cache
def _firebase() -> firebase_admin.App:
    config = json.loads(Path(os.environ["BENCH_SANDBOX_JSON"]).read_text())
    service = messaging._MessagingService
    service.FCM_URL = f"{config['fcm']['base_url']}/v1/projects/{{0}}/messages:send"
    account = credentials.Certificate(config["fcm"]["service_account_file"])
    # The SDK would ask Google itself every few hours where the account may be used.
    account.get_credential()._is_regional_access_boundary_lookup_required = lambda: False
    return firebase_admin.initialize_app(account)


@cache
def _connection() -> "psycopg2.extensions.connection":
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    return connection
