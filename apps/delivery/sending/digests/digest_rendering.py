"""Render the digests of a claim: their members are judged again, and are one message each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from apps.delivery import state
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import notifications
from apps.delivery.sending.digests.contents import DigestItem, DigestRenderer
from apps.delivery.sending.notifications import ContentRenderer, NotificationContext
from apps.delivery.state import Claimed
from apps.delivery.state.digests import claimed_members, following
from apps.delivery.state.digests.claimed_members import Told
from apps.delivery.state.digests.following import Followed
from apps.preferences.digests import choices
from apps.topics.selectors import paused_topics
from notifier.domain.digests import Digest
from notifier.domain.states import DeliveryState


class Telling(NamedTuple):
    """The rows of a claim, with those that its digests tell, whose ids are ``told``.

    ``renderers``: of the digests' contents, by their notification ids.
    """

    rows: Sequence[Claimed]
    told: frozenset[int] = frozenset()
    renderers: Mapping[str, DigestRenderer] = {}


def tell(
    queue: Queue,
    claim_id: int,
    rows: Sequence[Claimed],
    contexts: Mapping[str, NotificationContext],
) -> Telling:
    """Take up what the digests of a claim tell; those with nothing left to tell are cancelled.

    Each is judged by the statement that judges what is due again: what was cancelled, read,
    refused or has expired meanwhile leaves the digest, and so does what waits for its topic.
    """
    mine = [row for row in rows if row.notification_id in contexts
            and contexts[row.notification_id].is_digest]  # fmt: skip
    if not mine:
        return Telling(rows)
    waiting = (DeliveryState.SENDING, DeliveryState.RETRYING)
    ended = [row.delivery_id for row in mine if row.state not in waiting]
    found = [_moved(mine[0], moved) for moved in following.follow(ended, ended=True)]
    sending = {row.delivery_id: row for row in mine if row.state == DeliveryState.SENDING}
    if not sending:
        return Telling([*rows, *found], frozenset(row.delivery_id for row in found))
    told, postponed = claimed_members.take(list(sending))
    items = [one for some in told.values() for one in some]
    again, item_contexts, renderers = _judge(queue, claim_id, items)
    found += again
    kept = {row.delivery_id for row in again if row.state == DeliveryState.SENDING}
    claimed_members.leave([row.delivery_id for row in again if row.delivery_id not in kept])
    digests: dict[str, DigestRenderer] = {}
    empty = []
    for delivery_id, row in sending.items():
        if delivery_id in postponed:
            continue
        some = [one for one in told.get(delivery_id, ()) if one.delivery_id in kept]
        if some:
            context = contexts[row.notification_id]
            digests[row.notification_id] = _renderer(queue, context, some, item_contexts, renderers)
        else:
            empty.append(delivery_id)
    unanswered = [one for one in empty if sending[one].unanswered]
    claimed_members.cancel_empty(empty, unanswered)
    after = dict.fromkeys(postponed, DeliveryState.RETRYING)
    after |= dict.fromkeys(empty, DeliveryState.CANCELLED)
    after |= dict.fromkeys(unanswered, DeliveryState.UNKNOWN)
    moved = [
        row._replace(state=after[row.delivery_id]) if row.delivery_id in after else row
        for row in rows
    ]
    return Telling([*moved, *found], frozenset(row.delivery_id for row in found), digests)


def _judge(
    queue: Queue, claim_id: int, items: Sequence[Told]
) -> tuple[list[Claimed], Mapping[str, NotificationContext], Mapping[str, ContentRenderer]]:
    """Judge what is told again; return the rows, and their notifications and renderers by id."""
    if not items:
        return [], {}, {}
    contexts, renderers = notifications.read({one.notification_id for one in items}, queue.channel)
    paused = {one.topic.id for one in contexts.values() if one.topic and one.topic.paused}
    rows = state.resume_due(
        claim_id,
        [one.delivery_id for one in items],
        paused_topics(paused) if paused else {},
        ordered=False,
        off=[key for key, one in contexts.items() if one.is_off(queue.channel)],
    )
    return rows, contexts, renderers


def _renderer(
    queue: Queue,
    context: NotificationContext,
    told: Iterable[Told],
    contexts: Mapping[str, NotificationContext],
    renderers: Mapping[str, ContentRenderer],
) -> DigestRenderer:
    """Return the renderer of a digest; its template is that of the newest item that has one."""
    items = []
    asked: Digest | None = None
    for one in told:
        of = contexts[one.notification_id]
        asked = of.digest or asked
        items.append(
            DigestItem(
                one.notification_id,
                renderers[one.notification_id],
                of.topic.name if of.topic else "",
                of.posted_at,
            )
        )
    asked = asked or choices.of_category(context.category) or Digest()
    return DigestRenderer(
        queue.channel, context.row.publisher_id, context.category, asked.key, asked.template, items
    )


def _moved(like: Claimed, moved: Followed) -> Claimed:
    """Return a row for a delivery that followed its digest, to be counted."""
    return like._replace(
        delivery_id=moved.delivery_id,
        notification_id=str(moved.notification_id),
        state_before=moved.before,
        state=moved.after,
    )
