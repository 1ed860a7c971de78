"""Export what the directory holds about one person, addresses in clear."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence

from apps.preferences import audit_trail, profiles, selectors, topic_names, vault
from apps.preferences.digests import choices
from apps.preferences.frequency import caps
from apps.preferences.models import (
    Contact,
    DirectoryChange,
    Membership,
    OptOut,
    Recipient,
    Suppression,
)
from notifier.security.crypto import DecryptionError

log = logging.getLogger(__name__)
Rows = Iterable[Mapping[str, object]]


def person(row: Recipient) -> dict[str, object]:
    """Return the row of a recipient; what cannot be decrypted any more is ``None``."""
    try:
        profile = profiles.of_row(row).open()
        name, attributes = profile.name, dict(profile.attributes)
    except DecryptionError as error:
        log.error("the profile of a recipient cannot be read: %s", error)
        name = attributes = None  # type: ignore[assignment]
    return {
        "user_id": row.user_id,
        "name": name,
        "attributes": attributes,
        "locale": row.locale,
        "time_zone": row.time_zone,
        "quiet_hours": row.quiet_hours,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def sections(row: Recipient) -> Iterator[tuple[str, Rows]]:
    """Yield the lists of the export that the directory has."""
    contacts = list(Contact.objects.filter(recipient=row).order_by("pk"))
    yield "contacts", map(_contact, contacts)
    yield "preferences", _preferences(row)
    yield "frequency_caps", caps.shown(row.pk)
    yield "digests", choices.shown(row.pk)
    yield "groups", _groups(row)
    yield "suppressions", _protecting(contacts)
    yield "changes", map(_change, audit_trail.of_person(row.pk).iterator(chunk_size=1_000))


def _contact(row: Contact) -> dict[str, object]:
    return {
        "channel": row.channel,
        "address": _address(row),
        "platform": row.platform,
        "app": row.app,
        "state": row.state,
        "disabled_reason": row.disabled_reason,
        "disabled_by": row.disabled_by,
        "disabled_error": row.disabled_error,
        "last_active_at": row.last_active_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _address(row: Contact) -> str | None:
    try:
        return vault.open(bytes(row.address), bytes(row.address_index))
    except DecryptionError:  # its key is gone
        return None


def _preferences(row: Recipient) -> Rows:
    rows = list(selectors.preferences(row.pk))
    ids = [one.topic_id for one in rows if one.topic_id is not None]
    topics = topic_names.names_for_recipient(row.pk, ids)
    for one in rows:
        yield {
            "channel": one.channel or None,
            "topic": topics.get(one.topic_id or 0),
            "category": one.category or None,
            "allowed": one.allowed,
            "updated_at": one.updated_at,
        }


def _groups(row: Recipient) -> Rows:
    rows = Membership.objects.filter(recipient=row).select_related("group__publisher")
    for one in rows.order_by("pk").iterator(chunk_size=1_000):
        group = one.group
        yield {"publisher": group.publisher.name, "group": group.name, "since": one.created_at}


def _protecting(contacts: Sequence[Contact]) -> Rows:
    for contact in contacts:
        same = {"channel": contact.channel, "address_index": contact.address_index}
        for row in Suppression.objects.filter(**same):
            yield {
                "channel": row.channel,
                "address": _address(contact),
                "reason": row.reason,
                "provider": row.provider,
                "error": row.error,
                "since": row.created_at,
                "until": None,
            }
        for stop in OptOut.objects.filter(**same):
            yield {
                "channel": stop.channel,
                "address": _address(contact),
                "reason": f"wrote STOP to {stop.sender}",
                "provider": stop.provider,
                "error": "",
                "since": stop.opted_out_at,
                "until": stop.resumed_at,
            }


def _change(row: DirectoryChange) -> dict[str, object]:
    return {
        "at": row.at,
        "actor_kind": row.actor_kind,
        "change": row.change,
        "channel": row.channel,
        "address": row.masked,
        "detail": row.detail,
    }
