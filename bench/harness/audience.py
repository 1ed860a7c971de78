"""``python -m bench.harness.audience TOPIC CHANNEL SUBSCRIBERS``: create an audience by SQL alone.

The rows are as the API writes them, with addresses encrypted by the same code, but a million in a
minute. Runs in the service's environment. Of every hundred subscribers the first refuses the topic,
and the address of the second is suppressed; every tenth refuses something else; every other one
has the locale ``de``. ``--traits`` says what else they have: see ``Traits``.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

BATCH = 50_000
#: One subscriber in so many refuses the topic; of another one in so many the address is suppressed.
REFUSES = 100
#: One subscriber in so many has a preference that does not concern the topic.
PREFERS = 10
#: One subscriber in so many has what ``Traits`` say that some have, from the third one on.
CHOOSES = 3
TABLES = (
    "preferences_recipient",
    "preferences_contact",
    "topics_subscription",
    "preferences_preference",
    "preferences_suppression",
)
SECRET = "whsec_" + "c2VjcmV0" * 4

#: Channel -> the address of a subscriber, from name and contact's id.
ADDRESSES: dict[str, Callable[[str, int], str]] = {
    "push": lambda name, _: name.ljust(140, "x"),
    "sms": lambda _, number: f"+1555{number:08d}",
    "email": lambda name, _: f"{name}@example.com",
    "webhook": lambda name, _: f"{os.environ['BENCH_SINK_URL']}/webhook/{name}",
    "inbox": lambda name, _: name,
}


class Traits(NamedTuple):
    """Further traits of an audience's people.

    ``zones``: their time zones, in turn. ``quiet``: time zones and quiet hours (JSON) of every
    third one, in turn. ``categories``: what every third one has allowed on the channel.
    """

    zones: Sequence[str] = ("UTC",)
    quiet: Sequence[tuple[str, str]] = ()
    categories: Sequence[str] = ()

    def zone(self, number: int) -> str:
        """Return the time zone of a subscriber."""
        if self.quiet and _chooses(number):
            return self.quiet[number // CHOOSES % len(self.quiet)][0]
        return self.zones[number % len(self.zones)]

    def quiet_hours(self, number: int) -> str:
        """Return the quiet hours of a subscriber, as COPY reads them."""
        if self.quiet and _chooses(number):
            return self.quiet[number // CHOOSES % len(self.quiet)][1]
        return r"\N"


def _chooses(number: int) -> bool:
    return number % CHOOSES == CHOOSES - 1


PLAIN = Traits()


def is_refused(number: int) -> bool:
    """Return whether nothing is sent to a subscriber, counted from 0."""
    return number % REFUSES in (0, 1)


def refused(subscribers: int) -> int:
    """Return how many of so many subscribers nothing is sent to."""
    return len(range(0, subscribers, REFUSES)) + len(range(1, subscribers, REFUSES))


def main() -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.harness.audience", description=__doc__)
    parser.add_argument("topic")
    parser.add_argument("channel", choices=sorted(ADDRESSES))
    parser.add_argument("subscribers", type=int)
    parser.add_argument("--traits", default="{}", help="fields of Traits, as JSON")
    wanted = parser.parse_args()
    import django

    django.setup()
    traits = Traits(**json.loads(wanted.traits))
    fill(wanted.topic, wanted.channel, wanted.subscribers, traits)
    return 0


def fill(topic: str, channel: str, subscribers: int, traits: Traits = PLAIN) -> None:
    """Add so many new recipients as subscribers to an existing topic."""
    from django.db import connection

    from apps.topics.models import Topic

    topic_id = Topic.objects.get(name=topic).pk
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET synchronous_commit = off")
        people = _ids(cursor, "preferences_recipient", subscribers)
        contacts = _ids(cursor, "preferences_contact", subscribers)
        for start in range(0, subscribers, BATCH):
            numbers = range(start, min(start + BATCH, subscribers))
            tables = _rows(topic, topic_id, channel, numbers, people, contacts, traits)
            for table, rows in tables.items():
                columns, lines = next(rows), "".join(rows)
                cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO(lines))
        cursor.execute(f"VACUUM ANALYZE {', '.join(TABLES)}")
        cursor.execute("RESET statement_timeout; RESET synchronous_commit")


def _ids(cursor: Any, table: str, many: int) -> int:
    """Reserve so many ids of a table, and return the first."""
    cursor.execute(f"SELECT nextval('{table}_id_seq')")
    first = int(cursor.fetchone()[0])
    cursor.execute(f"SELECT setval('{table}_id_seq', %s)", [first + many])
    return first


def _rows(
    topic: str,
    topic_id: int,
    channel: str,
    numbers: range,
    people: int,
    contacts: int,
    traits: Traits,
) -> dict[str, Iterator[str]]:
    """Return table -> its columns, then its rows in the format of COPY."""
    from apps.preferences import vault

    address = ADDRESSES[channel]
    names = [f"{topic}-{number}" for number in numbers]
    sealed = [
        vault.seal(channel, address(name, contacts + number))
        for name, number in zip(names, numbers, strict=True)
    ]
    platform = "android" if channel == "push" else ""
    return {
        "preferences_recipient": _table(
            "id, user_id, locale, time_zone, quiet_hours, created_at, updated_at",
            (
                (
                    people + number,
                    name,
                    "de-AT" if number % 2 else "en",
                    traits.zone(number),
                    traits.quiet_hours(number),
                    "now",
                    "now",
                )
                for name, number in zip(names, numbers, strict=True)
            ),
        ),
        "preferences_contact": _table(
            "id, recipient_id, channel, address, address_index, masked, platform, app, secret, "
            "state, disabled_reason, created_at, updated_at",
            (
                (
                    contacts + number,
                    people + number,
                    channel,
                    _hex(one.ciphertext),
                    _hex(one.index),
                    one.masked,
                    platform,
                    "",
                    _hex(vault.seal_secret(SECRET, one.index)) if channel == "webhook" else r"\N",
                    "active",
                    "",
                    "now",
                    "now",
                )
                for number, one in zip(numbers, sealed, strict=True)
            ),
        ),
        "topics_subscription": _table(
            "topic_id, channel, recipient_id, state, created_at, updated_at",
            ((topic_id, channel, people + number, "active", "now", "now") for number in numbers),
        ),
        "preferences_preference": _table(
            "recipient_id, channel, topic_id, category, allowed, updated_at",
            (
                (people + number, *preference, "now")
                for number in numbers
                for preference in _preferences(number, channel, topic_id, traits)
            ),
        ),
        "preferences_suppression": _table(
            "channel, address_index, masked, reason, created_at",
            (
                (channel, _hex(one.index), one.masked, "manual", "now")
                for number, one in zip(numbers, sealed, strict=True)
                if number % REFUSES == 1
            ),
        ),
    }


def _preferences(
    number: int, channel: str, topic_id: int, traits: Traits
) -> Iterator[tuple[object, ...]]:
    """Yield the channel, topic, category and choice of a subscriber's preferences."""
    if number % REFUSES == 0:
        yield channel, topic_id, "", "f"
    elif number % PREFERS == 0:
        yield "", r"\N", "something-else", "f"
    if _chooses(number):
        for category in traits.categories:
            yield channel, r"\N", category, "t"


def _table(columns: str, rows: Iterator[tuple[object, ...]]) -> Iterator[str]:
    yield columns
    for row in rows:
        yield "\t".join(map(str, row)) + "\n"


def _hex(data: bytes) -> str:
    return rf"\\x{data.hex()}"


if __name__ == "__main__":
    sys.exit(main())
