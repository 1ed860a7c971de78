"""Rows of a service that has run for years, created by SQL."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

#: One delivery in so many belongs to a notification to one recipient; the others to topics.
NAMED_EVERY = 10
#: Deliveries of a topic's notification.
AUDIENCE = 9_000
#: One more publisher has nothing.
PUBLISHERS, TOPICS = 20, 1_000
#: Providers with attempts in every minute.
PROVIDERS = 20
#: Newest first, the row at which the requested pages of lists begin.
MIDDLE = 50_000
#: The number of the first notification to one recipient; they follow those of topics.
NAMED_FIRST = 100_000_000


def notification_id(number: int) -> str:
    """Return an id; ids are in the order of their numbers, as UUIDv7 are in that of time."""
    return f"01930000-0000-7000-8000-{number:012x}"


_ID = "('01930000-0000-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
_STATE = """(CASE WHEN i %% 1000 = 7 THEN 'dead' WHEN i %% 100 = 3 THEN 'suppressed'
    WHEN i %% 5000 = 11 THEN 'retrying' WHEN i %% 3 = 0 THEN 'delivered' ELSE 'accepted' END)"""
_CHANNEL = "(ARRAY['push', 'email', 'sms', 'inbox'])[1 + i %% 4]"
_PROVIDER = "(ARRAY['fcm', 'sendgrid', 'twilio', 'inbox'])[1 + i %% 4]"
#: The newest delivery is of now, and a million are one day's.
_WHEN = "now() - make_interval(secs => (%(deliveries)s - i) * 0.0864)"

#: (What it creates, the table, its SQL).
_STEPS = [
    (
        "publishers",
        "publishers_publisher",
        """INSERT INTO publishers_publisher (name, display_name, is_active, created_at)
        SELECT 'publisher-' || i, '', true, now() FROM generate_series(1, %(publishers)s + 1) i""",
    ),
    (
        "topics",
        "topics_topic",
        """INSERT INTO topics_topic (name, publisher_id, display_name, category, default_priority,
            mandatory, delay, requires_confirmation, created_at, updated_at)
        SELECT 'topic-' || i, 1 + i %% %(publishers)s, '', 'marketing', 'normal', false, 0, false,
            now(), now()
        FROM generate_series(1, %(topics)s) i""",
    ),
    (
        "recipients",
        "preferences_recipient",
        """INSERT INTO preferences_recipient (user_id, locale, time_zone, created_at, updated_at)
        SELECT 'u' || i, 'en', 'UTC', now(), now() FROM generate_series(1, %(people)s) i""",
    ),
    (
        "contacts",
        "preferences_contact",
        """INSERT INTO preferences_contact (recipient_id, channel, address, address_index, masked,
            platform, app, state, disabled_reason, created_at, updated_at)
        SELECT 1 + i %% %(people)s, """
        + _CHANNEL
        + """, '\\x00', decode(md5(i::text), 'hex'), 'a•••@example.com', '', '',
            CASE WHEN i %% 50 = 0 THEN 'disabled' ELSE 'active' END, '', now(), now()
        FROM generate_series(1, 2 * %(people)s) i""",
    ),
    (
        "subscriptions",
        "topics_subscription",
        """INSERT INTO topics_subscription (topic_id, channel, recipient_id, state, created_at,
            updated_at)
        SELECT 1 + (i / %(people)s + i) %% %(topics)s, 'push', 1 + i %% %(people)s, 'active',
            now(), now()
        FROM generate_series(1, 2 * %(people)s) i ON CONFLICT DO NOTHING""",
    ),
    (
        "preferences",
        "preferences_preference",
        """INSERT INTO preferences_preference (recipient_id, channel, category, allowed, updated_at)
        SELECT i, 'email', 'marketing', false, now() FROM generate_series(1, %(people)s / 2) i""",
    ),
    (
        "suppressions",
        "preferences_suppression",
        """INSERT INTO preferences_suppression (channel, address_index, masked, reason, created_at)
        SELECT 'email', decode(md5(i::text), 'hex'), 'a•••@example.com', 'hard_bounce', now()
        FROM generate_series(1, %(people)s / 2) i""",
    ),
    (
        "notifications of topics",
        "delivery_notification",
        f"""INSERT INTO delivery_notification (id, publisher_id, topic_id, kind, priority, channels,
            content, collapse_key, created_at)
        SELECT {_ID.format("n")}, 1 + (n %% %(topics)s + 1) %% %(publishers)s,
            n %% %(topics)s + 1, 'published', 'normal', '{{push,email,sms,inbox}}', '\\x00', '',
            now() - make_interval(secs => (%(blasts)s - n) * 777.6)
        FROM generate_series(1, %(blasts)s) n""",
    ),
    (
        "notifications of named recipients",
        "delivery_notification",
        f"""INSERT INTO delivery_notification (id, publisher_id, kind, priority, channels, content,
            collapse_key, reference, created_at)
        SELECT {_ID.format("%(first)s + n")}, 1 + n %% %(publishers)s, 'published', 'high',
            '{{sms}}', '\\x00', '', CASE WHEN n %% 2 = 0 THEN 'order-' || n ELSE 'campaign' END,
            now() - make_interval(secs => (%(named)s - n) * 0.864)
        FROM generate_series(0, %(named)s) n""",
    ),
    (
        "chunks",
        "delivery_chunk",
        f"""INSERT INTO delivery_chunk (notification_id, kind, channel, priority, state, fence,
            due_at, ready_at)
        SELECT {_ID.format("1 + i %% %(blasts)s")}, 'range', {_CHANNEL}, 'normal',
            CASE WHEN i > %(deliveries)s / 500 - 2000 THEN 'queued' ELSE 'done' END, 1, now(),
            now() - make_interval(secs => (%(deliveries)s / 500 - i) * 43.2)
        FROM generate_series(1, %(deliveries)s / 500) i ON CONFLICT DO NOTHING""",
    ),
    (
        "deliveries",
        "delivery_delivery",
        f"""INSERT INTO delivery_delivery (notification_id, chunk_id, contact_id, recipient_id,
            channel, priority, state, reason, provider, provider_message_id, attempts,
            next_attempt_at, created_at, updated_at)
        SELECT CASE WHEN i %% %(every)s = 0 THEN {_ID.format("%(first)s + i / %(every)s")}
                    ELSE {_ID.format("1 + i / %(audience)s")} END,
            1 + i / 500, i, 1 + i %% %(people)s, {_CHANNEL},
            CASE WHEN i %% %(every)s = 0 THEN 'high' ELSE 'normal' END, {_STATE},
            CASE WHEN i %% 1000 = 7 THEN 'authentication' WHEN i %% 100 = 3 THEN 'preference'
                 ELSE '' END,
            {_PROVIDER}, md5(i::text), 1,
            CASE WHEN {_STATE} = 'retrying' THEN now() + make_interval(secs => i %% 3600) END,
            {_WHEN}, {_WHEN}
        FROM generate_series(1, %(deliveries)s) i""",
    ),
    (
        "attempts",
        "delivery_attempt",
        f"""INSERT INTO delivery_attempt (delivery_id, number, provider, started_at, duration_ms,
            outcome, reason, status, detail)
        SELECT i, 1, {_PROVIDER}, {_WHEN}, 40, 'accepted', '', 200, ''
        FROM generate_series(%(deliveries)s - %(deliveries)s / 4, %(deliveries)s) i""",
    ),
    (
        "receipts",
        "delivery_receiptevent",
        f"""INSERT INTO delivery_receiptevent (delivery_id, provider, event, reason, detail, at)
        SELECT i, {_PROVIDER}, 'delivered', '', '', {_WHEN}
        FROM generate_series(%(deliveries)s - %(deliveries)s / 20, %(deliveries)s) i""",
    ),
    (
        "dead letters",
        "delivery_deadletter",
        """INSERT INTO delivery_deadletter (delivery_id, publisher_id, channel, provider, reason,
            died_at)
        SELECT d.id, n.publisher_id, d.channel, d.provider, d.reason, d.updated_at
        FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
        WHERE d.state = 'dead'""",
    ),
    (
        "counts by state",
        "delivery_statecount",
        """INSERT INTO delivery_statecount (notification_id, channel, state, slot, count)
        SELECT notification_id, channel, state, (id / 500) %% 8, count(*)
        FROM delivery_delivery GROUP BY 1, 2, 3, 4""",
    ),
    (
        "counts by hour",
        "delivery_hourcount",
        """INSERT INTO delivery_hourcount (publisher_id, topic_id, hour, channel, state, slot,
            count)
        SELECT 1 + t %% %(publishers)s, t, date_trunc('hour', now()) - make_interval(hours => h),
            channel, state, -1, 40
        FROM generate_series(1, %(topics)s) t, generate_series(0, 47) h,
            unnest(ARRAY['push', 'email', 'sms', 'inbox']) channel,
            unnest(ARRAY['accepted', 'delivered', 'dead']) state""",
    ),
    (
        "counts by minute",
        "delivery_minutecount",
        """INSERT INTO delivery_minutecount (minute, channel, provider, outcome, reason, slot,
            count, delivered, latencies)
        SELECT date_trunc('minute', now()) - make_interval(mins => m), channel, provider,
            outcome, '', s, 40, 0, array_fill(3, ARRAY[48])
        FROM generate_series(0, 2879) m, generate_series(0, 7) s,
            generate_series(1, %(providers)s) p,
            LATERAL (SELECT CASE p WHEN 1 THEN 'inbox' ELSE 'provider-' || p END,
                (ARRAY['push', 'email', 'sms', 'inbox'])[1 + p %% 4]) named (provider, channel),
            unnest(ARRAY['accepted', 'retry']) outcome""",
    ),
    (
        "counts by spans",
        "delivery_spancount",
        """INSERT INTO delivery_spancount (seconds, since, channel, provider, accepted, failed,
            delivered, reasons, latencies)
        SELECT seconds, date_bin(make_interval(secs => seconds), now(), 'epoch')
            - make_interval(secs => seconds * n), channel, provider, 400, 40, 0,
            '{"provider_error": 30, "bad_address": 10}', array_fill(3, ARRAY[48])
        FROM (VALUES (300, 576), (3600, 744)) span (seconds, number),
            LATERAL generate_series(1, number) n, generate_series(1, %(providers)s) p,
            LATERAL (SELECT CASE p WHEN 1 THEN 'inbox' ELSE 'provider-' || p END,
                (ARRAY['push', 'email', 'sms', 'inbox'])[1 + p %% 4]) named (provider, channel)""",
    ),
    (
        "audit events",
        "publishers_auditevent",
        """INSERT INTO publishers_auditevent (at, publisher_id, actor_kind, actor, action,
            object_type, object_name)
        SELECT now(), 1 + i %% %(publishers)s, 'publisher', 'key', 'update', 'topic', 'topic-' || i
        FROM generate_series(1, %(deliveries)s / 20) i""",
    ),
]


def make(connection: Any, deliveries: int) -> None:
    """Fill the tables of a new database. ``connection`` commits by itself."""
    numbers = {
        "deliveries": deliveries,
        "people": max(deliveries // 10, 1000),
        "named": deliveries // NAMED_EVERY,
        "blasts": deliveries // AUDIENCE + 1,
        "every": NAMED_EVERY,
        "audience": AUDIENCE,
        "first": NAMED_FIRST,
        "publishers": PUBLISHERS,
        "topics": TOPICS,
        "providers": PROVIDERS,
    }
    with connection.cursor() as cursor:
        # All references are valid, so foreign keys need not be checked for millions of rows.
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'")
        for name, table, sql in _STEPS:
            began = time.monotonic()
            # ON CONFLICT needs the unique index.
            with nullcontext() if "ON CONFLICT" in sql else without_indexes(cursor, table):
                cursor.execute(sql, numbers)
            print(f"  {name:<36}{time.monotonic() - began:>7.1f} s", flush=True)
        cursor.execute("VACUUM ANALYZE")


@contextmanager
def without_indexes(cursor: Any, table: str) -> Iterator[None]:
    """Drop the table's indexes, except those of constraints, and rebuild them: far faster."""
    cursor.execute(
        """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = %s::regclass AND NOT EXISTS (
            SELECT FROM pg_constraint WHERE conindid = indexrelid)""",
        [table],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)
