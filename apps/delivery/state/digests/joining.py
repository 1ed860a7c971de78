"""Join digests: defer deliveries of a claim until they are told with others."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

from apps.core import arrays
from apps.delivery import sealed_content
from apps.delivery.models import NotificationKind
from apps.delivery.outbox import delivery_numbers
from apps.delivery.state import ordering
from apps.delivery.state.claiming import Claimed
from notifier.domain.messages import Content
from notifier.domain.outcomes import Reason
from notifier.domain.states import DeliveryState

#: Number of deliveries that a digest tells at most, about: it closes at once when it has them.
MOST_ITEMS = 1_000


class Joining(NamedTuple):
    """A delivery that joins a digest.

    ``topic_id``: of another publisher's topic, 0 for any other; see ``OpenDigest``. ``closes_at``:
    when the digest closes if this one opens it, in unix seconds.
    """

    row: Claimed
    recipient_id: int
    publisher_id: int
    category: str
    category_kind: str
    key: str
    topic_id: int
    other_category: bool
    closes_at: float
    expires_at: datetime | None

    @property
    def identity(self) -> "_Identity":
        return _Identity(
            self.row.contact_id, self.publisher_id, self.category, self.key, self.topic_id
        )


class _Identity(NamedTuple):
    """The key of an open digest, of which there is one; sorted, so that no two claims deadlock."""

    contact_id: int
    publisher_id: int
    category: str
    key: str
    topic_id: int


# The row of an open digest stays locked until the claim commits: whoever closes it meanwhile skips
# it, and so nothing joins a digest that has been told.
_OPEN = (
    """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(contacts)s::bigint[], %(publishers)s::bigint[], %(categories)s::text[],
                         %(keys)s::text[], %(kinds)s::text[], %(recipients)s::bigint[],
                         %(topics)s::bigint[], %(others)s::boolean[], %(notifications)s::uuid[],
                         %(contents)s::bytea[], %(items)s::int[], %(closing)s::float8[])
      WITH ORDINALITY
        AS w (contact_id, publisher_id, category, key, category_kind, recipient_id, topic_id,
              other_category, notification_id, content, items, closes_at, place)
), open AS (
    INSERT INTO delivery_opendigest AS o
           (contact_id, publisher_id, category, key, topic_id, recipient_id, delivery_id,
            notification_id, items, opened_at)
    SELECT contact_id, publisher_id, category, key, topic_id, recipient_id,
           """
    + delivery_numbers.NEW.format(notification_id="notification_id")
    + """, notification_id, items, clock_timestamp()
      FROM wanted ORDER BY place
    ON CONFLICT (contact_id, publisher_id, category, key, topic_id)
    DO UPDATE SET items = o.items + excluded.items
    RETURNING contact_id, publisher_id, category, key, topic_id, delivery_id, notification_id,
              items
), told AS (
    INSERT INTO delivery_notification
           (id, publisher_id, topic_id, kind, priority, category, category_kind, other_category,
            channels, content, collapse_key, created_at, counts_kept)
    SELECT w.notification_id, w.publisher_id, nullif(w.topic_id, 0), %(kind)s, %(priority)s,
           w.category, w.category_kind, w.other_category, ARRAY[%(channel)s]::varchar[], w.content,
           '', clock_timestamp(), false
      FROM wanted w JOIN open o USING (notification_id)
), telling AS (
    INSERT INTO delivery_delivery
           (id, notification_id, chunk_id, publisher_id, contact_id, recipient_id, channel,
            priority, state, reason, next_attempt_at, created_at, updated_at)
    SELECT o.delivery_id, w.notification_id, %(claim_id)s, w.publisher_id, w.contact_id,
           w.recipient_id, %(channel)s, %(priority)s, 'retrying', %(reason)s,
           to_timestamp(w.closes_at), clock_timestamp(), clock_timestamp()
      FROM wanted w JOIN open o USING (notification_id)
)
SELECT contact_id, publisher_id, category, key, topic_id, delivery_id, notification_id::text, items
  FROM open
"""
)
_JOIN = """
UPDATE delivery_delivery d
   SET state = 'retrying', reason = %s, told_in = j.told_in, next_attempt_at = NULL,
       refused_by = NULL, updated_at = clock_timestamp()
  FROM unnest(%s::bigint[], %s::bigint[]) AS j (id, told_in)
 WHERE d.id = j.id
"""
_CLOSING = "SELECT id, next_attempt_at FROM delivery_delivery WHERE id = ANY(%s)"
_NOT_JOINED = """
UPDATE delivery_opendigest o SET items = o.items - n.number
  FROM unnest(%s::bigint[], %s::int[]) AS n (delivery_id, number)
 WHERE o.delivery_id = n.delivery_id
"""
_CLOSE_FULL = """
UPDATE delivery_delivery
   SET next_attempt_at = least(next_attempt_at, clock_timestamp())
 WHERE id = ANY(%s) AND state = 'retrying' AND reason = %s
"""


def join(
    claim_id: int,
    channel: str,
    priority: str,
    rows: Sequence[Claimed],
    joining: Sequence[Joining],
    *,
    ordered: bool,
) -> list[Claimed]:
    """Put deliveries of a claim into their digests, in its transaction.

    What expires before a digest closes that somebody else has opened is left to be sent at once.
    Returns ``rows`` with their new states, and the deliveries of digests that were opened.
    ``ordered``: some have an ordering key, and the caller holds the locks of their lines, which
    they leave.
    """
    wanted: dict[_Identity, Joining] = {}
    items: Counter[_Identity] = Counter()
    for one in joining:
        identity = one.identity
        first = wanted.setdefault(identity, one)
        if one.closes_at < first.closes_at:
            wanted[identity] = one
        items[identity] += 1
    identities = sorted(wanted)
    ids = [uuid7() for _ in identities]
    open_now = _open(claim_id, channel, priority, wanted, items, identities, ids)
    new = set(map(str, ids))
    told_in = {one.row.delivery_id: open_now[one.identity].delivery_id for one in joining}
    _leave_out_expiring(told_in, [one for one in joining if one.expires_at is not None])
    with connection.cursor() as cursor:
        cursor.execute(
            _JOIN, [Reason.DIGEST, arrays.numbers(told_in), arrays.numbers(told_in.values())]
        )
        full = [one.delivery_id for one in open_now.values() if one.items >= MOST_ITEMS]
        if full:
            cursor.execute(_CLOSE_FULL, [full, Reason.DIGEST])
    if ordered:
        ordering.release_next(list(told_in))
    opened = [
        wanted[identity].row._replace(
            state_before=None,
            state=DeliveryState.RETRYING,
            delivery_id=one.delivery_id,
            notification_id=one.notification_id,
        )
        for identity, one in open_now.items()
        if one.notification_id in new
    ]
    deferred = [
        row._replace(state=DeliveryState.RETRYING) if row.delivery_id in told_in else row
        for row in rows
    ]
    return deferred + opened


def _leave_out_expiring(told_in: dict[int, int], expiring: Sequence[Joining]) -> None:
    """Take out of ``told_in`` what would expire in a digest; the digests are locked."""
    if not expiring:
        return
    ids = {told_in[one.row.delivery_id] for one in expiring}
    with connection.cursor() as cursor:
        cursor.execute(_CLOSING, [list(ids)])
        closing: dict[int, datetime] = dict(cursor.fetchall())
        left_out: Counter[int] = Counter()
        for one in expiring:
            digest = told_in[one.row.delivery_id]
            if one.expires_at is not None and one.expires_at <= closing[digest]:
                del told_in[one.row.delivery_id]
                left_out[digest] += 1
        if left_out:
            cursor.execute(
                _NOT_JOINED, [arrays.numbers(left_out), arrays.numbers(left_out.values())]
            )


class _Open(NamedTuple):
    delivery_id: int
    notification_id: str
    items: int


def _open(
    claim_id: int,
    channel: str,
    priority: str,
    wanted: Mapping[_Identity, Joining],
    items: Mapping[_Identity, int],
    identities: Sequence[_Identity],
    ids: Sequence[UUID],
) -> dict[_Identity, _Open]:
    """Count items of open digests, and open the others under these notification ids."""
    firsts = [wanted[identity] for identity in identities]
    with connection.cursor() as cursor:
        cursor.execute(
            _OPEN,
            {
                "claim_id": claim_id,
                "channel": channel,
                "priority": priority,
                "kind": NotificationKind.DIGEST,
                "reason": Reason.DIGEST,
                "contacts": arrays.numbers(one.contact_id for one in identities),
                "publishers": arrays.numbers(one.publisher_id for one in identities),
                "categories": arrays.texts(one.category for one in identities),
                "keys": arrays.texts(one.key for one in identities),
                "kinds": arrays.texts(one.category_kind for one in firsts),
                "recipients": arrays.numbers(one.recipient_id for one in firsts),
                "topics": arrays.numbers(one.topic_id for one in identities),
                "others": [one.other_category for one in firsts],
                "notifications": arrays.uuids(ids),
                "contents": arrays.blobs(
                    sealed_content.seal(key, Content(title=one.key))
                    for key, one in zip(ids, identities, strict=True)
                ),
                "items": arrays.numbers(items[one] for one in identities),
                "closing": arrays.numbers(one.closes_at for one in firsts),
            },
        )
        return {_Identity(*row[:5]): _Open(*row[5:]) for row in cursor.fetchall()}
