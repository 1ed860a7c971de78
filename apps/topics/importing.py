"""Subscriptions from files of millions: a batch at a time, in memory that does not grow.

Each batch is one transaction, and subscribing again changes nothing: an import that was
interrupted is started again from the top.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple, TextIO

import orjson

from apps.preferences import app_ids, user_ids
from apps.preferences import services as preferences
from apps.preferences.channels import INBOX, PUSH, get_channel
from apps.preferences.services import Address, Person
from apps.topics import subscribing
from apps.topics.selectors import TopicSnapshot

#: Rows a transaction. Larger ones were no faster and hold their locks longer.
BATCH = 5_000
FIELDS = ("user_id", "channels", "channel", "address", "platform", "app")


class Rejected(NamedTuple):
    """A line that was not imported, counted from 1, and why."""

    line: int
    reason: str


class Progress(NamedTuple):
    """What one batch came to. ``subscriptions`` counts those there were before, too."""

    lines: int
    subscriptions: int
    rejected: list[Rejected]


class Wish(NamedTuple):
    """One line: a recipient on channels, or a bare endpoint, whose publisher the topic tells."""

    line: int
    user_id: str
    channels: tuple[str, ...]
    address: Address | None


def read_csv(file: TextIO) -> Iterator[Wish | Rejected]:
    """Lines below a header of ``FIELDS``; several channels are separated by ``|``.

    Raises ``ValueError`` for a header with other columns.
    """
    reader = csv.reader(file)
    header = [name.strip() for name in next(reader, [])]
    unknown = [name for name in header if name not in FIELDS]
    if unknown or not {"user_id", "address"} & set(header):
        raise ValueError(
            f"The first line names the columns, some of {', '.join(FIELDS)}"
            + (f"; not {', '.join(unknown)}." if unknown else ", user_id or address among them.")
        )
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield Rejected(reader.line_num, f"Not CSV: {error}.")
            continue
        if row is None:
            return
        if not row:
            continue
        if len(row) != len(header):
            yield Rejected(
                reader.line_num, f"{len(row)} columns, where the header has {len(header)}."
            )
            continue
        fields: dict[str, Any] = {
            name: text for name, text in zip(header, row, strict=True) if text
        }
        if "channels" in fields:
            fields["channels"] = fields["channels"].split("|")
        yield _judged(reader.line_num, fields)


def read_jsonl(file: TextIO) -> Iterator[Wish | Rejected]:
    """One JSON object a line, with some of ``FIELDS``; ``channels`` is a list."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            fields = orjson.loads(line)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            yield Rejected(number, "Not JSON.")
            continue
        if not isinstance(fields, dict):
            yield Rejected(number, "Not a JSON object.")
            continue
        yield _judged(number, fields)


def run(
    topic: TopicSnapshot, lines: Iterable[Wish | Rejected], *, create_recipients: bool
) -> Iterator[Progress]:
    """Import ``lines``, telling what each batch came to."""
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH)):
        wishes = [line for line in batch if isinstance(line, Wish)]
        rejected = [line for line in batch if isinstance(line, Rejected)]
        named = [wish for wish in wishes if wish.address is None]
        if create_recipients and named:
            people = {wish.user_id for wish in named}
            preferences.upsert_recipients([Person(user_id) for user_id in people])
        found = subscribing.subscribe_recipients(
            topic, [(wish.user_id, channel) for wish in named for channel in wish.channels]
        )
        rejected += [
            Rejected(wish.line, f"There is no recipient {wish.user_id!r}.")
            for wish in named
            if (wish.user_id, wish.channels[0]) not in found
        ]
        endpoints = subscribing.subscribe_endpoints(
            topic,
            {
                replace(wish.address, publisher_id=topic.publisher_id)
                for wish in wishes
                if wish.address is not None
            },
        )
        rejected.sort()
        yield Progress(len(batch), len(found) + len(endpoints), rejected)


def _judged(line: int, fields: Mapping[str, Any]) -> Wish | Rejected:
    try:
        return _wish(line, fields)
    except ValueError as error:
        return Rejected(line, str(error))


def _wish(line: int, fields: Mapping[str, Any]) -> Wish:
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise ValueError(f"There is no field {unknown[0]!r}. Known are: {', '.join(FIELDS)}.")
    if ("user_id" in fields) == ("address" in fields):
        raise ValueError("Give user_id and channels, or address and channel: one of the two.")
    if "address" in fields:
        return Wish(line, "", (), _endpoint(fields))
    channels = fields.get("channels") or [fields.get("channel")]
    if not isinstance(channels, list):
        raise ValueError("channels is a list of names.")
    for channel in channels:
        _known(channel)
    return Wish(line, user_ids.check(_text(fields, "user_id")), tuple(channels), None)


def _endpoint(fields: Mapping[str, Any]) -> Address:
    channel = fields.get("channel", "")
    if channel == INBOX:
        raise ValueError("An inbox belongs to a recipient: give user_id and channels.")
    platform, app = _text(fields, "platform"), app_ids.check(_text(fields, "app"))
    if (platform or app) and channel != PUSH:
        raise ValueError("platform and app go with a device token on push.")
    address = _known(channel).parse(_text(fields, "address"), platform)
    return Address(None, channel, address, platform=platform, app=app)


def _known(channel: Any) -> Any:
    try:
        return get_channel(channel)
    except (KeyError, TypeError):
        raise ValueError(f"There is no channel {channel!r}.") from None


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is text.")
    return value
