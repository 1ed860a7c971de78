"""Write one recipient or many, with their contacts and preferences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction
from rest_framework.exceptions import ValidationError

from apps.api.problems import ErrorList, Problem, validation_problem
from apps.preferences import profiles, selectors, topic_names
from apps.preferences.api.recipient_serializers import BulkRecipientIn
from apps.preferences.api.shapes import (
    PostedContact,
    PostedDevice,
    PostedPreference,
    PostedRecipient,
    ShownPreference,
    ShownSecret,
)
from apps.preferences.channels import PUSH
from apps.preferences.consent.refusals import PreferenceScope
from apps.preferences.consent.services import PreferenceUpdate, WouldLiftRefusal, merge_preferences
from apps.preferences.contacts import limits, replacement, services
from apps.preferences.contacts.limits import TooManyContacts, too_many
from apps.preferences.contacts.replacement import Slot
from apps.preferences.contacts.services import Address, Person, Stored
from apps.preferences.digests import services as digests
from apps.preferences.frequency import services as frequency
from apps.preferences.models import Preference


class Registered(NamedTuple):
    """A written recipient: whether it is new, and the secrets of its webhooks to show."""

    created: bool
    secrets: list[ShownSecret]


class BulkRegistered(NamedTuple):
    """A recipient written by a bulk call."""

    user_id: str
    registered: Registered


@transaction.atomic
def register(
    people: Mapping[str, PostedRecipient], topics: Mapping[str, int]
) -> dict[str, Registered]:
    """Write recipients, by ``user_id``, as ``RecipientIn`` validated them.

    ``topics`` maps the name of every topic in their preferences to its id. Raises
    ``WouldLiftRefusal`` and ``TooManyContacts``, and writes nothing then.
    """
    written = services.upsert_recipients(
        [person_of(user_id, posted) for user_id, posted in people.items()]
    )
    kept: dict[Slot, set[int]] = {
        Slot(written[user_id].id, channel): set()
        for user_id, person in people.items()
        for channel in person["replaced"]
    }
    locked = {
        written[user_id].id
        for user_id, person in people.items()
        if person["replaced"] or person["preferences"] or person["devices"] or person["contacts"]
    }
    if locked:
        services.lock_recipients(locked)
    stored = services.upsert_contacts(
        address
        for user_id, person in people.items()
        for address in addresses(written[user_id].id, person)
    )
    merge_preferences(
        update
        for user_id, person in people.items()
        for update in preference_updates(written[user_id].id, person["preferences"], topics)
    )
    frequency.lower(
        {written[user_id].id: person["frequency_caps"] for user_id, person in people.items()}
    )
    digests.suggest(
        {
            written[user_id].id: digests.by_category(person["digests"])
            for user_id, person in people.items()
            if person["digests"]
        }
    )
    shown: dict[int, list[ShownSecret]] = {}
    for address, contact in stored.items():
        assert address.recipient_id is not None  # they are the recipients' own
        if (slot := Slot(address.recipient_id, address.channel)) in kept:
            kept[slot].add(contact.id)
        if contact.secret:
            shown.setdefault(address.recipient_id, []).append(secret_of(contact))
    replacement.keep_only(kept)
    names = {row.id: user_id for user_id, row in written.items()}
    limits.enforce(
        {Slot(one.recipient_id, one.channel) for one in stored if one.recipient_id}, names
    )
    return {
        user_id: Registered(written[user_id].created, shown.get(written[user_id].id, []))
        for user_id in people
    }


def person_of(user_id: str, posted: PostedRecipient) -> Person:
    """Return the row of a validated recipient, its name and attributes encrypted."""
    name, attributes = posted.get("name"), posted.get("attributes")
    return Person(
        user_id,
        posted["locale"],
        posted["time_zone"],
        None if name is None else profiles.seal_name(user_id, name),
        None if attributes is None else profiles.seal_attributes(user_id, attributes),
    )


def register_many(publisher_id: int, items: Sequence[object]) -> list[BulkRegistered | Problem]:
    """Write the valid ones of ``items``; return each one's result, or its problem.

    If a ``user_id`` comes twice, the second is a problem: which one wins would be chance.
    """
    results: list[BulkRegistered | Problem] = []
    valid: dict[str, PostedRecipient] = {}
    positions: list[str | Problem] = []
    serializer = BulkRecipientIn()
    listed = ErrorList()
    for position, item in enumerate(items):
        at = f"/recipients/{position}"
        try:
            person: PostedRecipient = serializer.run_validation(item)
        except ValidationError as error:
            positions.append(listed.shorten(validation_problem(error, at)))
            continue
        user_id = person["user_id"]
        if user_id in valid:
            detail = f"{user_id!r} is in this call twice. Merge the two."
            errors = [{"pointer": f"{at}/user_id", "detail": detail}]
            positions.append(listed.shorten(Problem("invalid-request", detail, errors=errors)))
            continue
        valid[user_id] = person
        positions.append(user_id)
    topics = topic_names.ids_by_name(publisher_id, _topics_named(valid.values()))
    for position, entry in enumerate(positions):
        if isinstance(entry, str):
            at = f"/recipients/{position}/preferences"
            try:
                check_topics(valid[entry]["preferences"], topics, at)
            except Problem as problem:
                positions[position] = listed.shorten(problem)
                del valid[entry]
    done: dict[str, Registered] = {}
    while valid and not done:
        try:
            done = register(valid, topics)
        except WouldLiftRefusal as error:  # take those out and write the others
            ids = selectors.recipient_ids(valid)
            for user_id in [user_id for user_id in valid if ids.get(user_id) in error.found]:
                wanted = valid.pop(user_id)["preferences"]
                position = positions.index(user_id)
                at = f"/recipients/{position}/preferences"
                lifting = refusal_problem(error.found[ids[user_id]], wanted, topics, at)
                positions[position] = listed.shorten(lifting)
        except TooManyContacts as error:  # likewise
            for user_id, channel in error.found.items():
                del valid[user_id]
                position = positions.index(user_id)
                at = f"/recipients/{position}/contacts"
                positions[position] = listed.shorten(too_many(user_id, channel, at))
    for entry in positions:
        results.append(entry if isinstance(entry, Problem) else BulkRegistered(entry, done[entry]))
    return results


def known_topics(publisher_id: int, preferences: Sequence[PostedPreference]) -> Mapping[str, int]:
    """Return the ids of the topics named. Raises a ``Problem`` for any the publisher can't see."""
    names = {preference["topic"] for preference in preferences if preference["topic"]}
    topics = topic_names.ids_by_name(publisher_id, names)
    check_topics(preferences, topics, "/preferences")
    return topics


def check_topics(
    preferences: Sequence[PostedPreference],
    topics: Mapping[str, int],
    at: str,
    seen: str = "you own or were granted",
) -> None:
    """Raise a ``Problem`` that names every topic that is not in ``topics``."""
    errors = [
        {
            "pointer": f"{at}/{position}/topic",
            "detail": f"There is no topic {preference['topic']!r} that {seen}.",
        }
        for position, preference in enumerate(preferences)
        if preference["topic"] and preference["topic"] not in topics
    ]
    if errors:
        raise Problem("unknown-topic", errors[0]["detail"], errors=errors)


def refusal_problem(
    scope: PreferenceScope,
    preferences: Sequence[PostedPreference],
    topics: Mapping[str, int],
    at: str,
) -> Problem:
    """Return the problem for preferences that would allow what the person refused."""
    about = (scope.channel, scope.topic_id, scope.category)
    position = next(
        (
            f"/{number}"
            for number, one in enumerate(preferences)
            if (one["channel"], topics.get(one["topic"]), one["category"]) == about
        ),
        "",  # a preference that the list leaves out
    )
    topic = next((f"topic {name}" for name, key in topics.items() if key == scope.topic_id), "")
    category = f"category {scope.category}" if scope.category else ""
    said = ", ".join(word for word in (scope.channel, topic, category) if word) or "everything"
    detail = (
        f"This would allow what the person refused ({said}). A key adds refusals and lifts none: "
        "the person does, with their own token at /v1/me/preferences, or an operator."
    )
    return Problem("protected", detail, errors=[{"pointer": f"{at}{position}", "detail": detail}])


def addresses(recipient_id: int, person: PostedRecipient) -> list[Address]:
    """Return the devices and contacts of a validated recipient, to be written."""
    devices = [device_address(recipient_id, device) for device in person["devices"]]
    return devices + [contact_address(recipient_id, contact) for contact in person["contacts"]]


def device_address(recipient_id: int, device: PostedDevice) -> Address:
    """Return the address of a device that ``DeviceIn`` validated."""
    return Address(
        recipient_id,
        PUSH,
        device["token"],
        platform=device["platform"],
        app=device["app"],
        last_active_at=device["last_active_at"],
    )


def contact_address(recipient_id: int, contact: PostedContact) -> Address:
    """Return the address of a contact that ``ContactIn`` validated."""
    return Address(recipient_id, contact["channel"], contact["address"], secret=contact["secret"])


def preference_updates(
    recipient_id: int, preferences: Sequence[PostedPreference], topics: Mapping[str, int]
) -> list[PreferenceUpdate]:
    """Return the updates of preferences that ``PreferenceIn`` validated."""
    return [
        PreferenceUpdate(
            recipient_id,
            preference["channel"],
            topics[preference["topic"]] if preference["topic"] else None,
            preference["category"],
            preference["allowed"],
        )
        for preference in preferences
    ]


def shown_preferences(
    rows: Iterable[Preference], names: Mapping[int, str]
) -> dict[str, list[ShownPreference]]:
    """Return preferences as the API shows them, without those for topics not in ``names``."""
    return {
        "preferences": [
            {
                "channel": row.channel or None,
                "topic": names[row.topic_id] if row.topic_id else None,
                "category": row.category or None,
                "allowed": row.allowed,
            }
            for row in rows
            if row.topic_id is None or row.topic_id in names
        ]
    }


def secret_of(contact: Stored) -> ShownSecret:
    """Return a webhook's secret as the response shows it."""
    return {"id": contact.id, "address": contact.masked, "secret": contact.secret}


def _topics_named(people: Iterable[PostedRecipient]) -> set[str]:
    return {one["topic"] for person in people for one in person["preferences"] if one["topic"]}
