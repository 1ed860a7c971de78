"""Find notifications and deliveries by what is known of them.

Each search reads rows through one index, newest first, and returns them with a condition for all
that the index does not know. Its caller bounds how many rows are examined for that
(``apps.api.pagination``), so that a page costs the same however many rows there are:

- a reference: ``notification_of_reference``
- a topic: ``notification_of_topic``
- neither: ``notification_newest``
- a person: ``delivery_of_recipient``, since a notification does not name its recipients
- an address, which only operators search by: ``contact_by_address``, and from there the person's
  deliveries or, of a bare endpoint, ``delivery_of_endpoint``
- a title, which only operators search by: none; the newest that are kept are read
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.formats import date_format

from apps.content.models import TemplateVersion
from apps.core import clock
from apps.core.row_windows import row_window
from apps.delivery import sealed_content, selectors
from apps.delivery.models import Delivery, Notification, NotificationKind
from apps.delivery.selectors import NotificationState
from apps.preferences.models import Contact
from apps.preferences.selectors import contacts_of_address, recipient_ids
from apps.publishers.models import Publisher
from apps.topics.selectors import ids_of_name
from notifier.domain.categories import fold
from notifier.security.crypto import DecryptionError

R = TypeVar("R")

#: The time in a notification's id is that of the process which accepted it, and ``created_at`` the
#: database's: their clocks are at most this far apart.
CLOCKS_APART = timedelta(minutes=1)
#: Milliseconds that an id has room for.
MOST_MILLISECONDS = 2**48 - 1
#: Most that an operator's search by a reference, a person or an address finds: the newest.
MOST_FOUND = 1_000
#: A person's deliveries that are looked through for those at an address, and notifications for
#: those with a title.
MOST_EXAMINED = 100_000
#: Titles that a search reads, in how many seconds, and how many it fetches at once.
MOST_TITLES, LONGEST_TITLES, TITLES_AT_ONCE = 20_000, 2.0, 1_000
#: Contacts of one address that are looked at.
MOST_CONTACTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Criteria of notifications; all that are set must hold.

    ``topic`` is a name and means every topic that ever had it. ``since`` is the first moment of
    acceptance, ``until`` the first one after the last.
    """

    reference: str | None = None
    topic: str | None = None
    category: str | None = None
    state: NotificationState | None = None
    since: datetime | None = None
    until: datetime | None = None


def notifications(publisher_id: int, wanted: Wanted) -> tuple[QuerySet[Notification], Q]:
    """Return a publisher's notifications by one index, and the condition of the rest.

    ``in_state`` selects those in the state that is wanted.
    """
    rest = _rest(wanted)
    topics = [] if wanted.topic is None else ids_of_name(wanted.topic)
    if wanted.reference is not None:
        rows = Notification.objects.filter(publisher=publisher_id, reference=wanted.reference)
    elif len(topics) == 1:
        rows = Notification.objects.filter(topic=topics[0])
        rest &= Q(publisher=publisher_id, kind=NotificationKind.PUBLISHED)
    else:
        rows = selectors.notifications(publisher_id)
    if wanted.topic is not None:
        rest &= Q(topic__in=topics)
    if wanted.since is not None:
        rows = rows.filter(pk__gte=first_id(wanted.since, -CLOCKS_APART))
    if wanted.until is not None:
        rows = rows.filter(pk__lt=first_id(wanted.until, CLOCKS_APART))
    return selectors.with_names(rows), rest


def notifications_to(
    recipient_id: int, publisher_id: int, wanted: Wanted
) -> tuple[QuerySet[Delivery], Q]:
    """Return deliveries to a person, and the condition of one of each notification wanted.

    They are in the order in which the person's first delivery of each was made, which alone meets
    the condition, so that each is on one page. What has no deliveries yet is not among them.
    """
    rest = _rest(wanted, "notification__")
    if wanted.reference is not None:
        rest &= Q(notification__reference=wanted.reference)
    if wanted.topic is not None:
        rest &= Q(notification__topic__in=ids_of_name(wanted.topic))
    own = _own(publisher_id) & Q(notification__kind=NotificationKind.PUBLISHED)
    rows = _to(recipient_id).select_related("notification").defer("notification__content")
    return rows, own & rest & _is_first(recipient_id)


def notifications_of(deliveries: Iterable[Delivery]) -> list[Notification]:
    """Return the notifications of deliveries in their order, each as ``notifications`` does."""
    ids = [delivery.notification_id for delivery in deliveries]
    rows = selectors.with_names(Notification.objects.all()).in_bulk(ids)
    return [rows[key] for key in ids]


def deliveries_to(recipient_id: int, publisher_id: int) -> tuple[QuerySet[Delivery], Q]:
    """Return deliveries to a person, and the condition of those that a publisher may see.

    These are of what it published, and of digests that tell of it.
    """
    kinds = [NotificationKind.PUBLISHED, NotificationKind.DIGEST]
    rows = _to(recipient_id).select_related("notification__topic")
    own = _own(publisher_id) & Q(notification__kind__in=kinds)
    return rows.defer("notification__content"), own


def in_state(
    rows: Sequence[R], state: NotificationState, notification: Callable[[R], Notification]
) -> list[R]:
    """Return the rows whose notification is in ``state``."""
    progress = selectors.progress_of([notification(row) for row in rows])
    return [row for row in rows if progress[notification(row).pk].state == state]


def notifications_like(term: str, *, people: bool) -> tuple[Q, Q]:
    """Return the conditions of what an operator searches: that of an index, and the rest.

    ``term`` is an id; or a reference, or the name of a topic, a recipient or a template, looked for
    in this order. ``template:shipped`` says which. ``people``: whether recipients are looked for.
    """
    return found_by(searched(term, people=people))


def searched(term: str, *, people: bool) -> dict[str, Any]:
    """Return what ``term`` is found to be, JSON-ready, for ``found_by``; empty if nothing."""
    searches = {kind: one for kind, one in _SEARCHES.items() if people or kind != _PERSON}
    kind, _, name = term.partition(":")
    if kind in searches and (named := searches[kind](name)):
        return named
    with suppress(ValueError):
        return {"notification_id": str(UUID(term))}
    for search in searches.values():
        if found := search(term):
            return found
    return {}


def found_by(found: Mapping[str, Any], before: UUID | None = None) -> tuple[Q, Q]:
    """Return the conditions of what ``searched`` found: that of an index, and the rest.

    ``before``: the least id of those that are too new to be among the newest.
    """
    if "template_version_ids" in found:
        return Q(), Q(template_version_id__in=found["template_version_ids"])
    if "topic_ids" in found:
        return Q(topic_id__in=found["topic_ids"]), Q()
    if "recipient_id" in found:
        return _of_person(found["recipient_id"], before), Q()
    if "reference" in found:
        return _of_reference(found["reference"], before), Q()
    return Q(pk__in=[found["notification_id"]] if "notification_id" in found else []), Q()


class Found(NamedTuple):
    """Ids of rows that a search has found, the newest first, and where it ended early.

    ``cut`` is a sentence that says so, or empty.
    """

    ids: list[Any]
    cut: str = ""


def deliveries_at(address: str) -> Found:
    """Find the newest deliveries to an address, in any spelling, of any channel.

    A person's deliveries are looked through, of which those at the address may be the fewest: of
    all its contacts together ``MOST_EXAMINED``.
    """
    contacts = list(
        contacts_of_address(address)
        .order_by("-pk")
        .values_list("pk", "recipient_id")[: MOST_CONTACTS + 1]
    )
    found: list[int] = []
    cuts = []
    if len(contacts) > MOST_CONTACTS:
        cuts.append(f"More than {MOST_CONTACTS} have this address: the newest of them were asked.")
    each = MOST_EXAMINED // max(1, min(len(contacts), MOST_CONTACTS))
    for contact_id, recipient_id in contacts[:MOST_CONTACTS]:
        if recipient_id is None:
            rows, end = Delivery.objects.filter(recipient_id=None, contact_id=contact_id), None
        else:
            rows, end = row_window(_to(recipient_id), "-id", each)
            rows = rows.filter(contact_id=contact_id)
        newest = list(rows.order_by("-pk").values_list("pk", flat=True)[: MOST_FOUND + 1])
        found += newest[:MOST_FOUND]
        if len(newest) > MOST_FOUND:
            cuts.append(f"Only the newest {MOST_FOUND:,} deliveries to it are found.")
        elif end is not None:
            cuts.append(f"Looked through the newest {each:,} deliveries of whoever has it.")
    return Found(found, " ".join(dict.fromkeys(cuts)))


def title_words(term: str) -> str:
    """Return the words of a title that ``term`` asks for, as ``title:sale``; or an empty text."""
    kind, _, words = term.strip().partition(":")
    return words.strip() if kind == "title" else ""


def titled(words: str) -> Found:
    """Find the newest notifications with these words in the title that was posted.

    Titles are encrypted, so they are read one by one: at most ``MOST_TITLES``, for at most
    ``LONGEST_TITLES`` seconds. A template's title depends on the recipient and is not looked at,
    nor is content that was deleted or whose key is missing.
    """
    until = time.monotonic() + LONGEST_TITLES
    rows, end = row_window(Notification.objects.all(), "-id", MOST_EXAMINED)
    kept = rows.filter(kind=NotificationKind.PUBLISHED, template_version_id=None)
    kept = kept.exclude(content=b"").order_by("-pk")
    wanted, looked, found = words.casefold(), 0, []
    page, cut = kept[:TITLES_AT_ONCE], end is not None
    while titles := list(page.values_list("pk", "content", "created_at")):
        looked += len(titles)
        key, _, accepted = titles[-1]
        found += [key for key, content, _ in titles if wanted in _title(key, content)]
        if looked >= MOST_TITLES or len(found) >= MOST_FOUND or time.monotonic() > until:
            cut = True
            break
        page = kept.filter(pk__lt=key)[:TITLES_AT_ONCE]
    as_far = f", as far as {date_format(accepted, 'DATETIME_FORMAT')}" if looked else ""
    said = f"Looked through the newest {looked:,} titles{as_far}."
    return Found(found[:MOST_FOUND], said if cut else "")


def _title(key: UUID, content: bytes | memoryview) -> str:
    with suppress(DecryptionError):
        return sealed_content.unseal(key, bytes(content)).title.casefold()
    return ""


def _of_person(recipient_id: int, before: UUID | None) -> Q:
    """Return the condition of the newest notifications with deliveries to a recipient."""
    rows = _to(recipient_id)
    if before is not None:
        rows = rows.filter(notification_id__lt=before)
    newest = rows.order_by("-pk").values_list("notification_id", flat=True)
    return Q(pk__in=set(newest[:MOST_FOUND]))


def _of_reference(reference: str, before: UUID | None = None) -> Q:
    """Return the condition of each publisher's newest notifications with a reference."""
    rows = Notification.objects.filter(publisher=OuterRef("pk"), reference=reference)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    ids = ArraySubquery(rows.order_by("-pk").values("pk")[:MOST_FOUND])
    of_each = Publisher.objects.annotate(found=ids).values_list("found", flat=True)
    return Q(pk__in=[key for keys in of_each for key in keys])


def _by_reference(reference: str) -> dict[str, Any]:
    if not reference:  # no index has those without one
        return {}
    of_each = Notification.objects.filter(publisher=OuterRef("pk"), reference=reference)
    there = Publisher.objects.filter(Exists(of_each)).exists()
    return {"reference": reference} if there else {}


def _by_topic(name: str) -> dict[str, Any]:
    topics = ids_of_name(name)
    return {"topic_ids": topics} if topics else {}


def _by_person(user_id: str) -> dict[str, Any]:
    recipient_id = recipient_ids([user_id]).get(user_id)
    return {} if recipient_id is None else {"recipient_id": recipient_id}


def _by_template(name: str) -> dict[str, Any]:
    versions = TemplateVersion.objects.filter(template__name=name).values_list("pk", flat=True)
    found = list(versions)
    return {"template_version_ids": found} if found else {}


#: The search for a person, which not every operator may make.
_PERSON = "person"
#: Searches of notifications, by what they are for.
_SEARCHES: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "reference": _by_reference,
    "topic": _by_topic,
    _PERSON: _by_person,
    "template": _by_template,
}


def _to(recipient_id: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(recipient_id=recipient_id)


def _is_first(recipient_id: int) -> Q:
    """Return the condition of a person's first delivery of each notification.

    The unique indexes on a notification and a contact, or a recipient without one, tell it, however
    many people it went to. A delivery that takes another's place is never the first.
    """
    contacts = list(Contact.objects.filter(recipient=recipient_id).values_list("pk", flat=True))
    older = Delivery.objects.filter(
        notification=OuterRef("notification"), pk__lt=OuterRef("pk"), instead_of=None
    )
    own = older.filter(recipient_id=recipient_id)
    return Q(~Exists(own.filter(contact_id__in=contacts)), ~Exists(own.filter(contact_id=None)))


def _own(publisher_id: int) -> Q:
    """Return the condition of deliveries whose recipients the publisher may know."""
    of_topic = Q(notification__topic=None) | Q(notification__topic__publisher=publisher_id)
    return Q(notification__publisher=publisher_id) & of_topic


def _rest(wanted: Wanted, prefix: str = "") -> Q:
    """Return the condition of what no index serves. ``prefix``: the path to a notification."""
    found: dict[str, Any] = {}
    if wanted.category is not None:
        found["category"] = fold(wanted.category)
    if wanted.since is not None:
        found["created_at__gte"] = wanted.since
    if wanted.until is not None:
        found["created_at__lt"] = wanted.until
    if wanted.state is not None:
        found["cancelled_at__isnull"] = wanted.state != NotificationState.CANCELLED
    if wanted.state == NotificationState.SCHEDULED:
        found["send_at__gt"] = clock.moment()
    return Q(**{f"{prefix}{name}": value for name, value in found.items()})


def first_id(moment: datetime, later: timedelta) -> UUID:
    """Return the least id of those accepted ``later`` than a moment: ids are UUIDv7.

    The moment may be the first or the last that there is, which nothing can be added to.
    """
    milliseconds = int((moment.timestamp() + later.total_seconds()) * 1000)
    return UUID(int=min(max(milliseconds, 0), MOST_MILLISECONDS) << 80)
